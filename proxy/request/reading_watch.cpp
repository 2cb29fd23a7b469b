#include "proxy/request/reading_watch.hpp"

#include "base/http/tcp_delivery.hpp"

#include <algorithm>

namespace rouse {

namespace {

constexpr int kLooksInAWindow = 5;

}  // namespace

ReadingWatch::ReadingWatch(HttpStream& client, const Executor& executor, std::uint64_t least,
                           std::chrono::milliseconds window)
    : client_(client),
      rate_(std::max<std::uint64_t>(least, 1), window),
      pause_(window / kLooksInAWindow),
      timer_(executor) {}

ReadingWatch::~ReadingWatch() {
  stop();
}

void ReadingWatch::start() {
  if (started_) return;
  started_ = true;
  since_ = Clock::now();  // what it did before harmed nobody
  taken_ = taken();
  arm();
}

void ReadingWatch::stop() {
  started_ = false;
  timer_.cancel();
}

void ReadingWatch::set_writing(bool writing) {
  writing_ = writing;
  since_ = Clock::now();
}

void ReadingWatch::arm() {
  timer_.expires_after(pause_);
  timer_.async_wait([this, alive = std::weak_ptr(alive_)](const boost::system::error_code& error) {
    if (error || alive.expired() || !started_) return;
    look();
  });
}

/// A piece that was written before this look is in the kernel, where the rest of it may still be
/// taken: that counts for the next piece that waits.
void ReadingWatch::look() {
  const auto now = Clock::now();
  if (writing_) {
    const std::uint64_t taken_now = taken();
    rate_.add(taken_now - taken_, now - since_);
    taken_ = taken_now;
    since_ = now;
    if (rate_.is_too_slow()) return client_.close(true);
  }
  arm();
}

/// Of a socket that is none of TCP nobody knows.
std::uint64_t ReadingWatch::taken() const {
  if (!client_.socket().is_open()) return taken_;
  return acknowledged_bytes(client_.socket().native_handle()).value_or(taken_);
}

}  // namespace rouse
