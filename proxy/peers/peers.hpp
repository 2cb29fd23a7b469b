#pragma once

#include "proxy/peers/peer.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// All other machines, and which models they have. Single thread.
class Peers {
 public:
  /// What @p world refers to outlives this. @p dir: where they are remembered; empty: nowhere.
  Peers(std::shared_ptr<const Config> config, TaskGroup& tasks, HttpPool& pool,
        StreamDeadlines& deadlines, PeerMetrics& metrics, const std::string& dir);
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  /// Takes a new configuration. Peers that it lacks serve their requests to the end.
  void adopt(std::shared_ptr<const Config> config);
  /// Called when what a listing says of them has changed.
  void on_change(std::function<void()> call) { world_.on_change = std::move(call); }
  /// The program ends: no more packets, nobody is asked, and who waits is refused.
  void stop();
  /// Returns when the requests that were on their way then have ended.
  Task<void> shut_down();
  /// They end now.
  void shut_down_now();

  /// Who can serve a model, with the model as an exchange needs it.
  struct Offer {
    std::shared_ptr<Peer> peer;
    std::shared_ptr<const ModelConfig> model;
  };
  /// PEER/MODEL: that one; MODEL, or an alias of it: all peers that have it, in the order of the
  /// configuration. Empty: none.
  [[nodiscard]] std::vector<Offer> find(std::string_view name) const;

  [[nodiscard]] std::shared_ptr<Peer> find_peer(std::string_view name) const;
  /// In the order of the configuration.
  [[nodiscard]] std::vector<std::shared_ptr<Peer>> all() const;
  /// Its models: those of the configuration, then what it lists.
  [[nodiscard]] static std::vector<std::string> models_of(const Peer& peer);
  [[nodiscard]] const WakeLedger& ledger() const { return ledger_; }
  [[nodiscard]] const std::deque<Decision>& decisions() const { return decisions_.all(); }

 private:
  std::shared_ptr<const Config> config_;
  WakeLedger ledger_;
  DecisionLog decisions_;
  PeerWorld world_;
  std::map<std::string, std::shared_ptr<Peer>, std::less<>> peers_;
  std::vector<std::shared_ptr<Peer>> retired_;  // with requests on their way
  SteadyTimer became_idle_;
};

}  // namespace rouse
