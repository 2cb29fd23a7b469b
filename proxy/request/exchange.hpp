#pragma once

#include "base/http/stream.hpp"
#include "proxy/peers/peers.hpp"
#include "proxy/proxy.hpp"
#include "proxy/request/heartbeat.hpp"
#include "proxy/request/request_record.hpp"
#include "proxy/routing/names.hpp"
#include "proxy/wire/body_model.hpp"
#include "proxy/wire/error_body.hpp"
#include "proxy/wire/json_edit.hpp"
#include "proxy/wire/refusal.hpp"
#include "proxy/wire/route.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rouse {

/// What the path of a request says, for those whose body is not looked at.
struct PathTarget {
  std::string name;    ///< of the model, as asked for
  std::string target;  ///< path and query for the engine
  bool starts = true;  ///< false: a model that is not ready is not loaded for it, that is a 409
};

/// One inference request on its way: find the model, wait for a place, forward, relay, record.
/// Owned by the session's coroutine; @p proxy and @p client outlive it.
class Exchange {
 public:
  Exchange(Proxy& proxy, HttpStream& client, RequestHead head, const wire::Route& route,
           std::optional<PathTarget> path, std::string remote, Caller caller);
  ~Exchange();

  /// Serves the request to its end. False: the connection is not fit for another one.
  Task<bool> run();

  /// Among the requests in flight.
  [[nodiscard]] std::uint64_t id() const { return flight_.id(); }

 private:
  using Clock = std::chrono::steady_clock;

  Task<std::optional<Failure>> find_model();
  std::optional<Failure> check_body_size() const;
  std::optional<Failure> resolve();
  Task<std::optional<Failure>> read_model_name();
  [[nodiscard]] std::string no_model_text() const;
  std::optional<Failure> check_key();
  Task<std::optional<Failure>> yield_if_aux();
  Task<bool> looks_aux();
  bool hand_over();
  Task<std::optional<Failure>> admit();
  std::optional<Failure> enter_as_visitor();
  void enter();
  Task<void> settle_stream_flag();
  Task<bool> tries_again(Failure failed);

  // exchange_peer.cpp
  void use_offer(std::size_t which);
  std::optional<Failure> enter_peer();
  bool tries_peer_again(const Failure& failed);
  Task<void> hold_body();
  void add_peer_fields(RequestHead& head);
  [[nodiscard]] bool was_never_delivered() const;
  [[nodiscard]] std::string_view cold_start() const;
  void add_timing(ResponseHead& head) const;

  Task<std::optional<Failure>> forward();
  Task<std::optional<Failure>> edit_body();
  Task<std::optional<Failure>> send_request(bool reused);
  Task<std::optional<Failure>> send_rest_of_body();
  Task<std::optional<Failure>> read_head(bool reused);
  Task<void> relay();
  Task<void> relay_body();
  Task<void> relay_tunnel();
  Task<void> tell(Failure failure);
  Task<void> tell_as_event(Failure failure);
  Task<Failure> engine_refusal();
  void record();

  void on_client_gone();
  void on_cancelled();
  void count_refusal(const Failure& failed);
  void start_heartbeat();
  [[nodiscard]] std::function<std::string()> loading_text();
  void cut_upstream();
  [[nodiscard]] bool wants_stream() const;
  [[nodiscard]] bool wants_upgrade() const;
  [[nodiscard]] bool must_not_load() const;
  [[nodiscard]] std::string upstream_name() const;
  [[nodiscard]] Failure stopped_under_us() const;
  [[nodiscard]] Failure unread(Failure made) const;
  [[nodiscard]] bool is_renamed() const;
  [[nodiscard]] std::string body_prefix();
  [[nodiscard]] std::string target_for_engine() const;

  Proxy& proxy_;
  std::shared_ptr<const Config> config_;  // as it was when the request came
  HttpStream& client_;
  RequestHead head_;
  const wire::Route& route_;
  std::optional<PathTarget> path_;
  std::string remote_;
  Caller caller_;
  KeyTicket ticket_;  // counts as one of the key's requests
  std::string request_id_;
  Clock::time_point started_ = Clock::now();
  RequestRecord record_;
  InFlight::Entry flight_;

  wire::BodyModel body_;
  std::string prefix_;     // the body as far as it was read before forwarding
  std::string asked_for_;  // the model's name as the client wrote it
  Names::Resolved resolved_;
  const ModelConfig* model_ = nullptr;  // of the configuration, or of offers_
  std::vector<Peers::Offer> offers_;    // other machines that have it, in order
  std::size_t offer_ = 0;               // the one in use
  std::shared_ptr<Peer> peer_;          // of that one; null: an engine of ours
  std::string unedited_;                // the body, while another machine may want other edits
  std::string attempt_id_;              // for peers: the same for each time that this is sent
  int attempt_ = 0;
  std::uint64_t acknowledged_ = 0;     // bytes on this connection before the request
  std::vector<wire::JsonEdit> edits_;  // what filters change in the body
  std::string sent_name_;  // of the model, for the engine; empty: as the client wrote it

  std::string aux_;  // what is done with a request that is worth no swap; empty: it is none
  std::unique_ptr<AdmissionTicket> place_;
  std::unique_ptr<HttpStream> upstream_;
  Heartbeat heartbeat_;
  ResponseHead answer_;

  bool gone_ = false;
  bool cancelled_ = false;  // by an operator
  bool keep_alive_ = true;
  int status_ = 0;  // as the client saw it; 0: nothing was sent
  Clock::time_point admitted_at_{};
  int attempts_ = 0;
  int priority_ = 0;
  std::string outcome_ = "ok";  // for the log: what went wrong
};

}  // namespace rouse
