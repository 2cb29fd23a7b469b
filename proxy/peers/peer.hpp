#pragma once

#include "base/async/task_group.hpp"
#include "base/wake/sender.hpp"
#include "core/peer/state.hpp"
#include "proxy/admission/decision_log.hpp"
#include "proxy/admission/ticket.hpp"
#include "proxy/config/config.hpp"
#include "proxy/peers/peer_memory.hpp"
#include "proxy/peers/probe.hpp"
#include "proxy/peers/wake_ledger.hpp"

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse {

class HttpPool;
class PeerMetrics;

/// What all peers work with; outlives them.
struct PeerWorld {
  TaskGroup& tasks;
  HttpPool& pool;
  StreamDeadlines& deadlines;
  PeerMetrics& metrics;
  WakeLedger& ledger;
  DecisionLog& decisions;
  std::filesystem::path dir;        ///< where peers are remembered; empty: nowhere
  std::function<void()> on_change;  ///< somebody looks at the listing
  std::function<void()> on_idle;    ///< the last request of one of them has left
};

/// A request that wants a place.
struct PeerRequest {
  Waker who;
  bool may_wake = true;
  std::string why_not;
  bool has_other = false;  ///< another peer may serve it
};

/// The shell around core::peer::State for one machine: gives places, sends packets, asks, listens
/// to what it announces, and remembers. Single thread. Its tasks belong to world.tasks, which is
/// joined before this is destroyed; its places go before that, too.
///
/// Its members are what the tasks of one machine share (asking, listening, learning its models,
/// waking): peer.cpp, peer_listen.cpp and peer_wake.cpp have one of these each.
class Peer final : public AdmissionSource, public std::enable_shared_from_this<Peer> {
 public:
  Peer(std::string name, const PeerConfig& config, PeerWorld& world);
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  /// Takes a new configuration; whoever waits goes on waiting.
  void adopt(const PeerConfig& config);
  /// It is no longer configured, or the program ends: stops to ask and to listen, and refuses those
  /// who wait. Requests on their way end as they would.
  void retire(const std::string& why);

  /// A place for an inference request, which may wake it.
  [[nodiscard]] std::unique_ptr<AdmissionTicket> enter(const std::string& model,
                                                       PeerRequest request);
  /// A place for what is worth no wake; null unless it is awake.
  [[nodiscard]] std::unique_ptr<AdmissionTicket> enter_if_ready(const std::string& model,
                                                                std::string request_id);

  /// The request at @p place was sent.
  void taken(const AdmissionTicket& ticket);
  /// Not one byte of it can have been executed: it waits again.
  void turned_away(AdmissionTicket& ticket, bool suspending);
  /// So much of its body is in our memory while it waits.
  void grew(const AdmissionTicket& ticket, std::uint64_t bytes);
  /// The first byte of its answer has come.
  void answered(const AdmissionTicket& ticket);

  /// Cuts the requests that are on their way to it.
  void cut();

  /// A request for it has ended; its client saw @p status.
  void ended(int status);

  /// An operator wants it awake.
  void wake(Waker who);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] core::peer::View view() const { return state_.view(); }
  [[nodiscard]] bool is_up() const;
  /// It has answered, and is no rouse.
  [[nodiscard]] bool is_foreign() const { return foreign_; }
  /// No request is on its way to it, or waits.
  [[nodiscard]] bool is_idle() const { return waiters_.empty(); }
  [[nodiscard]] bool can_wake() const { return policy().can_wake; }
  [[nodiscard]] const PeerConfig& config() const { return config_; }
  /// Where it listens for magic packets, as far as is known.
  [[nodiscard]] std::vector<std::string> macs() const;
  [[nodiscard]] const PeerMemory& memory() const { return memory_; }
  /// What it says that its @p model can do.
  [[nodiscard]] const wire::Capabilities& capabilities(std::string_view model) const;
  [[nodiscard]] core::Instant now() const;
  /// Those who wait for it, in order of arrival, and since when.
  [[nodiscard]] std::vector<std::pair<Waker, core::Instant>> waiting() const;
  /// What came of the last time that it was asked.
  struct Asked {
    core::Instant at;
    std::string answer;  ///< for a person
  };
  [[nodiscard]] const std::optional<Asked>& last_asked() const { return last_asked_; }

  void left(AdmissionTicket& ticket) override;

 private:
  struct Waiter {
    AdmissionTicket* ticket = nullptr;
    Waker who;
    core::Instant entered{};
    std::uint64_t wake = 0;  // the entry of the ledger of the wake that it waited for
    bool if_ready = false;
  };

  [[nodiscard]] core::peer::Policy policy() const;
  [[nodiscard]] ProbePlan probe_plan() const;
  void post(core::peer::Event event);
  void perform(const core::peer::Admit& admit);
  void perform(const core::peer::Refuse& refuse);
  void perform(const core::peer::SendVolley& volley);
  void perform(const core::peer::Probe& probe);
  void perform(const core::peer::DropConnections&);
  void perform(const core::peer::Entered& entered);
  void perform(const core::peer::WakeEnded& ended);
  void began_to_wake(const core::peer::Entered& entered);
  void make_sender();
  void arm_timer();
  void sent(const WakeResult& result);
  Task<void> ask(core::peer::Probe probe);
  void listen_if_up();
  Task<void> listen();
  /// Once; false: it makes no sense to try again.
  Task<bool> hear_out();
  void heard(std::string_view data);
  Task<void> acknowledge(std::uint64_t epoch);
  Task<void> learn_models();
  void learn(const PowerNews& news);
  void remember();

  std::string name_;
  PeerConfig config_;
  PeerWorld& world_;
  PeerMemory memory_;
  core::peer::State state_;
  std::unique_ptr<WakeSender> sender_;
  SteadyTimer timer_;
  std::deque<core::peer::Event> events_;
  bool draining_events_ = false;
  std::map<core::Ticket, Waiter> waiters_;
  std::uint64_t next_ticket_ = 1;

  std::optional<Asked> last_asked_;
  bool foreign_ = false;  // it has answered, and is no rouse
  bool listening_ = false;
  std::unique_ptr<HttpStream> announcements_;
  bool learning_ = false;
  std::chrono::milliseconds list_pause_{};  // from one look at its models to the next
  bool retired_ = false;
  bool told_unsaved_ = false;

  std::uint64_t wake_ = 0;  // the entry of the ledger of the wake under way
  core::Instant wake_began_{};
  std::optional<Waker> operator_;
  std::map<std::string, std::string> last_result_;  // of each path, so that news are logged once
};

}  // namespace rouse
