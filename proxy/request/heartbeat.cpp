#include "proxy/request/heartbeat.hpp"

#include <utility>

namespace rouse {

using std::chrono::steady_clock;

namespace {

constexpr std::string_view kBlankFiller = " ";

}  // namespace

Heartbeat::Heartbeat(HttpStream& client, const Executor& executor, WaitingConfig waiting)
    : client_(client), waiting_(waiting), timer_(executor) {}

Heartbeat::~Heartbeat() {
  stop();
}

void Heartbeat::start(steady_clock::time_point head_at, ResponseHead head) {
  head_ = std::move(head);
  running_ = true;
  arm(head_at);
}

void Heartbeat::set_text(std::function<std::string()> text, std::chrono::milliseconds interval) {
  text_ = std::move(text);
  waiting_.keep_alive = interval;
}

void Heartbeat::sent(std::string_view bytes) {
  if (!running_) return;
  boundary_.feed(bytes);
  last_sent_ = steady_clock::now();
}

void Heartbeat::stop() {
  running_ = false;
  timer_.cancel();
}

void Heartbeat::arm(steady_clock::time_point at) {
  timer_.expires_at(at);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (error || alive.expired() || !running_) return;
    beat();
  });
}

std::string Heartbeat::comment() const {
  if (uses_blanks_) return std::string(kBlankFiller);
  const std::string note = note_ ? note_() : std::string();
  return note.empty() ? std::string(wire::kKeepAliveComment) : ": " + note + "\n\n";
}

void Heartbeat::beat() {
  const auto now = steady_clock::now();
  // The relay does not re-arm the timer for each piece; it is looked at here instead.
  const auto due = last_sent_ + waiting_.keep_alive;
  if (head_sent_ && now < due) return arm(due);
  if (!writing_ && (uses_blanks_ || boundary_.at_boundary())) {
    const std::string text = text_ ? text_() : comment();
    const bool written =
        head_sent_ ? client_.try_write_body(text) : client_.try_write_response(head_, text);
    if (written) {
      head_sent_ = true;
      boundary_.feed(text);
    }
  }
  arm(now + waiting_.keep_alive);
}

}  // namespace rouse
