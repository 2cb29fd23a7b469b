#pragma once

#include "proxy/admission/ticket.hpp"
#include "proxy/request/client_answer.hpp"
#include "proxy/request/client_presence.hpp"
#include "proxy/request/destination.hpp"
#include "proxy/request/request_body.hpp"
#include "proxy/request/request_record.hpp"
#include "proxy/request/timing.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace rouse {

/// Where a request waits, and the only place: it holds the ticket for the engine or the peer of a
/// destination, from the queue on until the answer has ended. Single thread; owned by the Exchange,
/// what it gets outlives it.
class Admission {
 public:
  Admission(const Request& request, RequestBody& body, ClientAnswer& answer,
            ClientPresence& presence, RequestRecord& record, InFlight::Entry& flight);

  /// Takes a ticket for the destination @p which of @p from, unless it has one, and waits until it
  /// is admitted; nullopt also when the client has gone. @p is_aux: behind all others.
  Task<std::optional<Failure>> enter(Destinations& from, std::size_t which, bool is_aux);
  /// Until something happens to the ticket of an engine that has gone, or a moment has passed: the
  /// scheduler is about to hear of it.
  Task<void> pause_before_retry();
  /// Gives the slot back, or leaves the queue.
  void leave() { ticket_.reset(); }

  [[nodiscard]] bool has_ticket() const { return ticket_ != nullptr; }
  [[nodiscard]] AdmissionTicket& ticket() const { return *ticket_; }
  [[nodiscard]] bool is_admitted() const;
  /// The engine is being stopped under the request, or its peer's requests are cut.
  [[nodiscard]] bool is_aborted() const;
  /// What the client is told then.
  [[nodiscard]] const Failure& abort_failure() const;
  /// What the head of an answer tells of the waiting, as far as it is known.
  [[nodiscard]] RequestTiming timing(const Destination& to) const;
  /// From the request's arrival; zero if it was never admitted.
  [[nodiscard]] std::chrono::milliseconds waited() const;

 private:
  Task<std::optional<Failure>> take_ticket(const Destinations& from, std::size_t which,
                                           bool is_aux);
  std::optional<Failure> take_ticket_if_ready(const Destination& to);
  std::optional<Failure> take_ticket_of_peer(const Destination& to, bool has_next);
  Task<void> wait(const Destination& to);
  [[nodiscard]] std::size_t queue_position(const Destination& to) const;

  const Request& request_;
  RequestBody& body_;
  ClientAnswer& answer_;
  ClientPresence& presence_;
  RequestRecord& record_;
  InFlight::Entry& flight_;
  std::unique_ptr<AdmissionTicket> ticket_;
  Request::Clock::time_point admitted_at_{};
};

}  // namespace rouse
