#pragma once

#include "base/http/message.hpp"
#include "base/result.hpp"
#include "core/swap/scheduler.hpp"
#include "proxy/wire/error_body.hpp"

#include <string>
#include <string_view>

namespace rouse {

/// Why a request cannot be answered by an engine, and what its client is told.
struct Failure {
  int status = 500;
  wire::ErrorText text;
  std::string output;        ///< the engine's last lines, for those who may read its log
  int retry_after_s = 0;     ///< 0: no Retry-After
  bool passing = false;      ///< a second attempt by the client may succeed
  bool try_again = false;    ///< not one byte can have been executed: we try again ourselves
  bool suspending = false;   ///< the machine goes to sleep and has not looked at the request
  bool elsewhere = false;    ///< another machine may serve it
  bool load_failed = false;  ///< the engine could not be started
  bool body_unread = false;  ///< part of the request is unread: the connection must close
};

/// A field of a 503 whose request was not looked at: "suspending" where the machine goes to sleep.
/// A rouse in front wakes it and sends the request again.
inline constexpr std::string_view kNotExecuted = "x-rouse-not-executed";

/// The code of a 503 for whose body there is no room among those that wait (limits.heldMax).
inline constexpr std::string_view kHeldFull = "held_full";

[[nodiscard]] Failure failure(int status, std::string message, std::string code = {});
[[nodiscard]] Failure passing_failure(int status, std::string message, int retry_after_s);
/// Which limit of the configuration an answer of ours with @p status is about: " (limits.bodyMax)".
[[nodiscard]] std::string_view limit_named(int status);
/// A request's body that could not be read.
[[nodiscard]] Failure body_failure(const Error& error);
/// An engine for which nothing was moved, as it cannot be started: @p why says what to do.
[[nodiscard]] Failure cannot_start(std::string why);
/// What the scheduler refused.
[[nodiscard]] Failure failure_of(const core::Refuse& refusal);

/// A UUID of version 7, with 62 bits that nobody can guess. Engines exist that refuse
/// every request whose id is none (starlette-context, of llama-cpp-python).
[[nodiscard]] std::string fresh_id();

/// The client's own x-request-id when it is fit for a log line (1 to 128 visible characters), else
/// fresh_id().
[[nodiscard]] std::string request_id_for(const RequestHead& head);

/// The head of an answer that we write ourselves. @p retry_after_s 0: no Retry-After.
[[nodiscard]] ResponseHead own_head(int status, std::string_view content_type);
[[nodiscard]] ResponseHead error_head(int status, int retry_after_s);
/// The body of an error for @p request, whose type and length @p head is told.
[[nodiscard]] std::string error_body(ResponseHead& head, const wire::ErrorText& text,
                                     const Fields& request,
                                     wire::Dialect dialect = wire::Dialect::Plain);

}  // namespace rouse
