#pragma once

#include "base/http/gunzip.hpp"
#include "base/http/message.hpp"
#include "proxy/telemetry/recorder.hpp"
#include "proxy/wire/refusal.hpp"
#include "proxy/wire/route.hpp"
#include "proxy/wire/usage.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {

/// What is noted of a request while it goes its way, and what is made of it in the end: a line in
/// the log and one in the history, metrics, a capture. Looks at bodies in passing and keeps nothing
/// of them, but for a capture. Single thread; owned by the Exchange.
class RequestRecord {
 public:
  using Clock = std::chrono::steady_clock;

  /// @p session_id: empty when the client names none.
  RequestRecord(Recorder& recorder, const RequestHead& head, const wire::Route& route,
                std::string request_id, std::string session_id);

  Activity row;  ///< whatever is known as it is; times and tokens are filled in at the end
  StreamTiming timing;

  /// It is kept as one of @p route, whose @p path an engine is asked for directly.
  void is_as(const wire::Route& route, std::string_view path);
  /// Bytes of the request, as the engine gets them.
  void sent(std::string_view piece);
  /// The engine has the request.
  void dispatched() { dispatched_at_ = Clock::now(); }
  void answered(const ResponseHead& head);
  /// Bytes of the answer, as the client gets them.
  void received(std::string_view piece);
  /// The stream has had its last event: whoever leaves now has all of it.
  [[nodiscard]] bool is_complete() const { return tap_ && tap_->has_ended(); }

  /// Why it has failed, in our words or the engine's.
  void failed(const Failure& failure);
  /// The answer ended before its end, for which @p why is told.
  void broke_off(std::string why);
  /// For the log only.
  void note(std::string text) { detail_ = std::move(text); }
  /// The client has left, or (@p cancelled) was made to: that is the outcome unless it had the
  /// whole answer.
  void client_left(bool cancelled);
  /// The end of the way, which the client has seen as @p status: what the row lacks, and the line
  /// in the log.
  void finish(int status, std::chrono::milliseconds waited, const RequestHead& head);

  /// All that the answer said it cost; the answer has ended.
  [[nodiscard]] std::int64_t tokens();
  /// Ends it: into the recorder. @p is_secret: further header fields that a capture must not show.
  void close(const std::function<bool(const Fields::Field&)>& is_secret);

  [[nodiscard]] Clock::time_point started_at() const { return started_at_; }

 private:
  void look_at(const wire::Route& route);
  void take_usage();

  Recorder& recorder_;
  Clock::time_point started_at_ = Clock::now();
  Clock::time_point dispatched_at_{};
  Clock::time_point first_content_at_{};
  Clock::time_point last_content_at_{};
  std::string detail_ = "ok";     // for the log: what went wrong
  std::int64_t engine_ms_ = 0;    // that the engine says it has worked
  std::optional<Gunzip> gunzip_;  // the answer's, if it is compressed
  std::optional<wire::UsageTap> tap_;
  std::optional<Capture> capture_;
  bool makes_pictures_ = false;  // in the answer
  bool sends_pictures_ = false;  // in the request, too
};

/// The word for what came of a request that failed.
[[nodiscard]] std::string outcome_of(const Failure& failure);

}  // namespace rouse
