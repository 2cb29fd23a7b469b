#pragma once

#include "base/http/stream.hpp"
#include "proxy/admission/dispatcher.hpp"
#include "proxy/wire/sse.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace rouse {

/// Keeps a streaming client's connection alive while there is nothing to send, whatever the reason:
/// the queue, a load, a slow prefill. After the hold it sends an early head (200,
/// text/event-stream) and a comment, then a comment after each interval of silence, on event
/// boundaries only.
///
/// Written synchronously from a timer: the bytes either fit the socket's buffer at once or are not
/// needed, since the client has unread bytes. Single thread; the client stream outlives it.
class Heartbeat {
 public:
  /// Nothing happens before start().
  Heartbeat(HttpStream& client, const Executor& executor, WaitingConfig waiting);
  ~Heartbeat();

  /// Arms it: the early head goes out at @p head_at, with @p head. May be in the past.
  void start(std::chrono::steady_clock::time_point head_at, ResponseHead head);
  /// What the comments say, until it is empty: nothing but that the connection lives.
  void set_note(std::function<std::string()> note) { note_ = std::move(note); }
  /// Instead of comments (sendLoadingState has its own).
  void set_text(std::function<std::string()> text, std::chrono::milliseconds interval);

  /// For streams of lines of JSON, in which there are no comments: a blank in front of the next
  /// line is nothing to their readers, but an empty line is an error (docs/ollama.md). What the
  /// relay sends must be whole lines.
  void use_blanks() { uses_blanks_ = true; }

  /// The head has been sent by us: only a body may follow, and errors must be events.
  [[nodiscard]] bool is_running() const { return running_; }
  [[nodiscard]] bool head_sent() const { return head_sent_; }
  /// The relay sent the engine's own head; comments are for the silence from now on.
  void head_was_relayed() { head_sent_ = true; }

  /// Tells what the relay sends, to know the boundaries and the silence.
  void sent(std::string_view bytes);
  /// While the relay itself is writing, the heartbeat must not.
  void set_writing(bool writing) { writing_ = writing; }
  void stop();

 private:
  void arm(std::chrono::steady_clock::time_point at);
  void beat();
  [[nodiscard]] std::string comment() const;

  HttpStream& client_;
  WaitingConfig waiting_;
  SteadyTimer timer_;
  ResponseHead head_;
  std::function<std::string()> text_;
  std::function<std::string()> note_;
  wire::EventBoundary boundary_;
  std::chrono::steady_clock::time_point last_sent_{};
  bool head_sent_ = false;
  bool uses_blanks_ = false;
  bool writing_ = false;
  bool running_ = false;
  /// A beat that is queued already cannot be cancelled: it finds this gone.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace rouse
