#pragma once

#include "base/http_stream.hpp"
#include "proxy/lifeline.hpp"
#include "proxy/proxy.hpp"
#include "proxy/refusal.hpp"
#include "proxy/wire/error_body.hpp"
#include "proxy/wire/model_finder.hpp"
#include "proxy/wire/route.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace rouse {

/// One inference request on its way: find the model, wait for a place, forward, relay, record.
/// Owned by the session's coroutine; @p proxy and @p client outlive it.
class Exchange {
 public:
  Exchange(Proxy& proxy, HttpStream& client, RequestHead head, const wire::Route& route,
           std::string remote);
  ~Exchange();

  /// Serves the request to its end. False: the connection is not fit for another one.
  Task<bool> run();

 private:
  using Clock = std::chrono::steady_clock;

  Task<std::optional<Failure>> find_model();
  Task<std::optional<Failure>> admit();
  Task<void> settle_stream_flag();
  Task<std::optional<Failure>> forward();
  Task<std::optional<Failure>> send_request(bool reused);
  Task<std::optional<Failure>> send_rest_of_body();
  Task<std::optional<Failure>> read_head(bool reused);
  Task<void> relay();
  Task<void> relay_body();
  Task<void> tell(Failure failure);
  Task<void> tell_as_event(Failure failure);
  Task<Failure> engine_refusal();
  void record() const;

  void on_client_gone();
  void start_lifeline();
  [[nodiscard]] std::function<std::string()> loading_text();
  void cut_upstream();
  [[nodiscard]] bool wants_stream() const;
  [[nodiscard]] Failure stopped_under_us() const;
  [[nodiscard]] std::string body_prefix();

  Proxy& proxy_;
  HttpStream& client_;
  RequestHead head_;
  const wire::Route& route_;
  std::string remote_;
  std::string request_id_;
  Clock::time_point started_ = Clock::now();

  wire::ModelFinder finder_;
  std::string prefix_;     // the body as far as it was read before forwarding
  std::string asked_for_;  // the model's name as the client wrote it
  const ModelConfig* model_ = nullptr;

  std::unique_ptr<Place> place_;
  std::unique_ptr<HttpStream> upstream_;
  Lifeline lifeline_;
  ResponseHead answer_;

  bool gone_ = false;
  bool keep_alive_ = true;
  int status_ = 0;  // as the client saw it; 0: nothing was sent
  std::uint64_t bytes_out_ = 0;
  Clock::time_point admitted_at_{};
  std::string outcome_ = "ok";
};

}  // namespace rouse
