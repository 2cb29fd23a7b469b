#pragma once

#include "base/http/stream.hpp"
#include "proxy/admission/ticket.hpp"
#include "proxy/request/client_presence.hpp"
#include "proxy/request/destination.hpp"
#include "proxy/request/request_body.hpp"
#include "proxy/request/request_record.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace rouse {

/// Numbers the attempts of one request, so that a peer knows which is the last (X-Request-Attempt).
class AttemptSeries {
 public:
  /// "1f2e…;n=1", then n=2 …
  [[nodiscard]] std::string next();

 private:
  std::string id_;
  int count_ = 0;
};

/// One try to have a request answered at one destination: a connection, the request on it, the head
/// of the answer. Destroying it cuts the connection. Single thread; what it gets outlives it.
class Attempt {
 public:
  struct Stage {
    const Request& request;
    RequestBody& body;
    ClientPresence& presence;
    RequestRecord& record;
    AttemptSeries& series;
  };
  /// @p ticket: admitted.
  Attempt(Stage stage, const Destination& to, AdmissionTicket& ticket);
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  /// Sends the request on a pooled connection or, with @p fresh, on one of its own. @p
  /// may_have_run: an attempt before this one may have been executed, so a failure here is final.
  Task<std::optional<Failure>> send(bool fresh, bool may_have_run);
  /// Waits for the head of the answer; then head() has it. @p interim hears the heads that only
  /// announce it (1xx).
  Task<std::optional<Failure>> read_head(std::function<void(const ResponseHead&)> interim);
  /// The answer has been read to its end: the connection may serve others, if the pool finds it
  /// fit.
  void give_connection_back();

  [[nodiscard]] const ResponseHead& head() const { return head_; }
  [[nodiscard]] HttpStream& upstream() const { return *upstream_; }
  [[nodiscard]] const Destination& to() const { return to_; }
  /// Its connection had served others before, so the other side may have closed it meanwhile.
  [[nodiscard]] bool was_pooled() const { return pooled_; }
  /// The connection has failed with not one byte of the request confirmed by the other side.
  [[nodiscard]] bool was_never_delivered() const;
  /// The connection has ended without an answer, as it does when an engine dies.
  [[nodiscard]] bool broke_off() const { return broke_off_; }
  /// The same with a reset. When a process has ended, that says that a part of the request lay
  /// unread: the kernel closes its sockets, and resets those. Whoever has not read a request whole
  /// has not executed it.
  [[nodiscard]] bool was_left_unread() const { return was_reset_ && is_whole_ && has_length_; }

 private:
  [[nodiscard]] RequestHead head_to_send(const RequestBody::Outgoing& outgoing) const;
  [[nodiscard]] std::string target() const;
  void add_engine_key(RequestHead& head) const;
  [[nodiscard]] bool is_asked_for(const ResponseHead& answer) const;
  void add_peer_fields(RequestHead& head);
  Task<std::optional<Failure>> send_rest();
  [[nodiscard]] bool is_from_rouse() const;
  [[nodiscard]] std::optional<Failure> suspending_failure() const;
  void cut();

  const Stage stage_;
  const Destination& to_;
  AdmissionTicket& ticket_;
  std::unique_ptr<HttpStream> upstream_;
  bool pooled_ = false;
  bool is_whole_ = false;  // all of the request went out at once, and is still here
  bool has_length_ = false;
  bool broke_off_ = false;
  bool was_reset_ = false;
  std::optional<std::uint64_t> acknowledged_;  // bytes on this connection before the request
  ResponseHead head_;
  ClientPresence::Interrupt cut_when_client_leaves_;
};

}  // namespace rouse
