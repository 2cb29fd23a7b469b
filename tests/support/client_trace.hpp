#pragma once

#include "tests/support/http_probe.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse::test {

/// One request of a recorded session, as its client wrote it.
struct TraceRequest {
  std::chrono::milliseconds at{0};                ///< since the first request of the session
  std::optional<std::chrono::milliseconds> done;  ///< nullopt: the client gave up waiting
  /// When the client closed although the answer was not at its end.
  std::optional<std::chrono::milliseconds> left;
  int connection = 0;
  int nth_on_connection = 0;
  std::string method;
  std::string target;
  ProbeHeaders headers;  ///< in the order and spelling of the wire
  std::string body;
  std::string model;  ///< the top-level one of a JSON body, the field of a form; or ""
  bool stream = false;

  /// Everything up to the body; only the value of Host is ours.
  [[nodiscard]] std::string head(std::uint16_t port) const;
  [[nodiscard]] std::string header(std::string_view name) const;
};

/// What one run of a real client sent (tests/data/client-traces/README.md).
struct ClientTrace {
  std::string name;
  std::vector<TraceRequest> requests;
};

/// The names of all recorded sessions, sorted.
[[nodiscard]] std::vector<std::string> client_trace_names();
/// A test failure, and no requests, if there is no such session or it cannot be understood.
[[nodiscard]] ClientTrace read_client_trace(const std::string& name);

/// What became of one request of a session.
struct Replayed {
  bool was_sent = false;  ///< false: its client would not have asked again
  ProbeClock::time_point sent_at;
  ProbeResponse answer;
  bool left_before_end = false;  ///< as its client did, with the last event in hand
};

/// Sends the requests of @p trace as its client did: on the same connections, side by side where
/// they were, one after the other's answer where they were, with the recorded pauses divided by
/// @p scale. A repetition is left out if what it repeats was answered this time.
/// @p patience is for each answer.
[[nodiscard]] std::vector<Replayed> replay(const ClientTrace& trace, std::uint16_t port, int scale,
                                           std::chrono::milliseconds patience);

/// The text with which a streamed answer to @p request ends.
[[nodiscard]] std::string_view last_event(const TraceRequest& request);

}  // namespace rouse::test
