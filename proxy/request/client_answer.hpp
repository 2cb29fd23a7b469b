#pragma once

#include "proxy/admission/ticket.hpp"
#include "proxy/request/client_presence.hpp"
#include "proxy/request/destination.hpp"
#include "proxy/request/heartbeat.hpp"
#include "proxy/request/reading_watch.hpp"
#include "proxy/request/request_body.hpp"
#include "proxy/request/request_record.hpp"
#include "proxy/request/timing.hpp"
#include "proxy/wire/loading_stream.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace rouse {

class Attempt;

/// What the client gets: an early head and comments while it waits, then the engine's answer or, in
/// the form that fits what has been sent already, a failure. Exactly one of relay(), tell() and
/// tell_state() ends it. Single thread; owned by the Exchange, what it gets outlives it.
class ClientAnswer {
 public:
  ClientAnswer(const Request& request, const RequestBody& body, ClientPresence& presence,
               RequestRecord& record, InFlight::Entry& flight);

  /// A stream is asked for by a client that can read an early head, and nothing has begun yet.
  [[nodiscard]] bool wants_heartbeat() const;
  /// From the end of the hold on, or at once if it is shown that the model is being loaded; @p
  /// waits: the request is still in a queue. @p queue_position is asked as long as the heartbeat
  /// goes on; 0: in no queue.
  void start_heartbeat(const Destination& to, const RequestTiming& timing, bool waits,
                       std::function<std::size_t()> queue_position);
  void stop_heartbeat() { heartbeat_.stop(); }
  /// What was done with a request that is worth no swap, for X-Rouse-Aux.
  void set_aux(std::string aux) { aux_ = std::move(aux); }

  /// Passes on a head that only announces the answer, such as 103, to a client that can read it.
  void announce(const ResponseHead& interim);
  /// Passes on the answer of @p attempt, whose head has come, to its end (client_answer_relay.cpp).
  Task<void> relay(Attempt& attempt, AdmissionTicket& ticket, const RequestTiming& timing);
  /// There is nothing to answer, but that the model is loaded, or (@p unloaded) is not any more.
  Task<void> tell_state(bool unloaded);
  /// What an engine that is not loaded has said of itself before.
  Task<void> tell_remembered(const KnownCapabilities::Answer& answer);
  /// Tells a failure of ours.
  Task<void> tell(Failure failed);

  [[nodiscard]] int status() const { return status_; }  ///< as the client saw it; 0: it saw none
  /// The connection is fit for another request.
  [[nodiscard]] bool keeps_connection() const { return keep_alive_; }

 private:
  Task<void> relay_answer(Attempt& attempt, AdmissionTicket& ticket, const RequestTiming& timing);
  Task<bool> relay_head(Attempt& attempt, const RequestTiming& timing);
  Task<bool> end_loading_text();
  Task<void> relay_body(Attempt& attempt, AdmissionTicket& ticket);
  Task<void> relay_translated(Attempt& attempt, AdmissionTicket& ticket,
                              const RequestTiming& timing);
  Task<void> relay_lines(Attempt& attempt, AdmissionTicket& ticket, const RequestTiming& timing);
  Task<void> relay_whole(Attempt& attempt, AdmissionTicket& ticket, const RequestTiming& timing);
  void cut();
  Task<bool> engine_ended(const Attempt& attempt, AdmissionTicket& ticket);
  Task<std::string> why_broken(const Attempt& attempt, AdmissionTicket& ticket, const Error& error);
  Task<void> relay_tunnel(Attempt& attempt, const AdmissionTicket& ticket);
  Task<Failure> engine_refusal(Attempt& attempt);
  Task<void> tell_as_event(Failure failed);
  [[nodiscard]] bool shows_loading(const ModelConfig& model) const;
  void begin_write();
  void end_write();
  void not_taken(const AdmissionTicket& ticket);
  void add_output(Failure& failed) const;
  [[nodiscard]] bool shows_events() const;
  [[nodiscard]] std::chrono::milliseconds elapsed() const;
  void add_own_fields(ResponseHead& head, const RequestTiming* timing) const;

  const Request& request_;
  HttpStream& client_;
  const RequestBody& body_;
  ClientPresence& presence_;
  RequestRecord& record_;
  InFlight::Entry& flight_;
  Heartbeat heartbeat_;
  ReadingWatch reading_;  // from when somebody waits for the place of this request
  std::optional<wire::LoadingStream> loading_;  // what is told of a load, where that is shown
  std::string aux_;
  int status_ = 0;
  bool keep_alive_ = true;
};

}  // namespace rouse
