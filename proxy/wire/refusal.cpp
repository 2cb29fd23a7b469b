#include "proxy/wire/refusal.hpp"

#include "base/check.hpp"
#include "base/http/stream.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace rouse {

namespace {

constexpr std::size_t kRequestIdMax = 128;
constexpr long kRetryAfterMax =
    30;  // seconds: longer ones make clients give up (docs/clients.md, Waiting)

bool is_fit_for_log(std::string_view id) {
  return !id.empty() && id.size() <= kRequestIdMax &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace

Failure failure(int status, std::string message, std::string code) {
  Failure made;
  made.status = status;
  made.text.message = std::move(message);
  made.text.code = std::move(code);
  return made;
}

Failure passing_failure(int status, std::string message, int retry_after_s) {
  Failure made = failure(status, std::move(message), {});
  made.retry_after_s = retry_after_s;
  made.passing = true;
  return made;
}

std::string_view limit_named(int status) {
  if (status == 413) return " (limits.bodyMax)";
  if (status == 431) return " (limits.headMax)";
  return "";
}

Failure body_failure(const Error& error) {
  const int status = status_for(error.code);
  Failure made =
      failure(status == 0 ? 400 : status, error.message() + std::string(limit_named(status)), {});
  made.body_unread = true;
  return made;
}

Failure cannot_start(std::string why) {
  Failure made = failure(503, std::move(why), {});
  made.retry_after_s = static_cast<int>(kRetryAfterMax);
  made.load_failed = true;  // as that of an engine that was tried; waiting does not mend it
  return made;
}

Failure failure_of(const core::Refuse& refusal) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(refusal.retry_after).count();
  const int retry_after = static_cast<int>(std::clamp<long>(seconds, 1, kRetryAfterMax));
  switch (refusal.cause) {
    case core::RefusalCause::UnknownModel:
      return failure(404, refusal.detail, "model_not_found");
    case core::RefusalCause::QueueFull:
      return passing_failure(429, refusal.detail, retry_after);
    case core::RefusalCause::CircuitOpen: {
      Failure made = passing_failure(503, refusal.detail, retry_after);
      made.passing = false;  // waiting a moment does not mend it: a person should read this
      made.load_failed = true;
      made.output = refusal.output;
      return made;
    }
    case core::RefusalCause::NoRoom:
      return failure(503, refusal.detail, "no_room");  // waiting does not mend it
    case core::RefusalCause::LoadFailed: {
      Failure made = passing_failure(503, refusal.detail, retry_after);
      made.load_failed = true;
      made.output = refusal.output;
      return made;
    }
    case core::RefusalCause::TooLong:
    case core::RefusalCause::Unloaded:
    case core::RefusalCause::ShuttingDown:
      break;
  }
  return passing_failure(503, refusal.detail, retry_after);
}

std::string fresh_id() {
  // RFC 9562 §5.7: the time in front, so that ids sort as they came; then what makes them unique,
  // and nobody's to guess: whoever knew the next one could meddle with its request.
  std::uint64_t unique = 0;
  ROUSE_CHECK(::getentropy(&unique, sizeof unique) == 0);
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
  return fmt::format("{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}", (ms >> 16) & 0xffff'ffff, ms & 0xffff,
                     (unique >> 52) & 0xfff, 0x8000 | ((unique >> 48) & 0xf),
                     unique & 0xffff'ffff'ffff);
}

std::string request_id_for(const RequestHead& head) {
  if (const auto given = head.fields.find("x-request-id"); given && is_fit_for_log(*given)) {
    return std::string(*given);
  }
  return fresh_id();
}

ResponseHead own_head(int status, std::string_view content_type) {
  ResponseHead head;
  head.status = status;
  head.reason = reason_phrase(status);
  head.framing = Framing::Length;
  if (!content_type.empty()) head.fields.add("content-type", content_type);
  return head;
}

std::string error_body(ResponseHead& head, const wire::ErrorText& text, const Fields& request,
                       wire::Dialect dialect) {
  wire::ErrorAnswer answer =
      wire::error_answer(head.status, text, request.find("accept").value_or(""), dialect);
  head.fields.set("content-type", answer.type);
  head.content_length = answer.body.size();
  return std::move(answer.body);
}

ResponseHead error_head(int status, int retry_after_s) {
  ResponseHead head = own_head(status, "application/json");
  if (retry_after_s > 0) head.fields.add("retry-after", std::to_string(retry_after_s));
  // OpenAI's and Anthropic's libraries would ask twice more, and be told the same.
  if (status == 409) head.fields.add("x-should-retry", "false");
  return head;
}

}  // namespace rouse
