#pragma once

#include "proxy/request/admission.hpp"
#include "proxy/request/attempt.hpp"
#include "proxy/request/client_answer.hpp"
#include "proxy/request/client_presence.hpp"
#include "proxy/request/destination.hpp"
#include "proxy/request/request.hpp"
#include "proxy/request/request_body.hpp"
#include "proxy/request/request_record.hpp"
#include "proxy/request/retry.hpp"

#include <memory>
#include <optional>
#include <string>

namespace rouse {

/// One inference request from its head to its record: run() is its life, told from top to bottom.
/// Each stage keeps its own state in a class of its own; what is here leads from one to the next.
/// Owned by the session's coroutine; the proxy and the client's stream outlive it.
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
  Task<std::optional<Failure>> find_model();
  Task<std::optional<Failure>> read_name();
  [[nodiscard]] std::string no_model_text() const;
  std::optional<Failure> check_key();
  Task<std::optional<Failure>> read_for_place();
  Task<std::optional<Failure>> yield_to_others();
  Task<std::optional<Failure>> try_destination();
  Task<std::optional<Failure>> forward(const Destination& to);
  Task<bool> tries_again(Failure failed);
  void remember_answer();
  Task<std::optional<Failure>> unload();
  void unload_unneeded();
  void count_refusal(const Failure& failed);
  void record();

  [[nodiscard]] const Destination& destination() const { return to_.all[which_]; }

  Request request_;
  RequestRecord record_;
  ClientPresence presence_;
  InFlight::Entry flight_;
  RequestBody body_;
  KeyTicket key_ticket_;  // counts as one of the key's requests
  Destinations to_;
  std::size_t which_ = 0;  // of them, the one in use
  ClientAnswer answer_;
  Admission admission_;
  AttemptSeries series_;
  std::unique_ptr<Attempt> attempt_;  // the last one; its connection is cut when it goes
  bool is_aux_ = false;               // worth no swap: it waits behind all others
  /// What an engine that is not loaded has answered before.
  std::optional<KnownCapabilities::Answer> remembered_;
  bool is_kept_ = false;  // of what a path names: it is inference as ours is
  int entered_ = 0;       // how often it has taken a ticket of an engine
};

}  // namespace rouse
