#include "base/http/stream_impl.hpp"

#include <sys/socket.h>

namespace rouse {

// The connection below the messages: deadlines, reuse, and its end.

namespace {

constexpr std::size_t kLingerMax = 16 * 1024 * 1024;
constexpr std::chrono::seconds kLingerTime{3};

}  // namespace

void HttpStream::expires_after(std::chrono::steady_clock::duration d) {
  impl_->io.expire_at(std::chrono::steady_clock::now() + d);
}

void HttpStream::expires_never() {
  impl_->io.expire_at(std::chrono::steady_clock::time_point::max());
}

bool HttpStream::is_free() {
  Impl& my = *impl_;
  if (my.closing || !my.answered || !my.out_done || !my.body.is_done() || has_buffered()) {
    return false;
  }
  if (!socket_.is_open() || my.io.has_expired()) return false;
  my.io.in.release();
  return true;
}

bool HttpStream::is_reusable() {
  if (!is_free()) return false;
  if (impl_->io.is_tls()) return impl_->io.is_quiet();
  char byte = 0;
  const ssize_t n = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

Task<void> HttpStream::linger_close() {
  Impl& my = *impl_;
  boost::system::error_code ignored;
  if (my.io.is_tls() && my.out_done) my.io.say_end();
  if (socket_.is_open()) socket_.shutdown(asio::socket_base::shutdown_send, ignored);
  expires_after(kLingerTime);
  std::size_t dropped = 0;
  while (dropped < kLingerMax) {
    my.io.in.consume(my.io.in.size());
    auto n = co_await my.io.fill(false);
    if (!n || *n == 0) break;
    dropped += *n;
  }
  close();
}

void HttpStream::close(bool reset) {
  impl_->closing = true;
  if (!reset && impl_->io.is_tls() && impl_->out_done) impl_->io.say_end();
  impl_->io.close(reset);
}

void HttpStream::become_tunnel() {
  Impl& my = *impl_;
  my.closing = true;
  my.begin_body(Framing::UntilClose, 0, std::numeric_limits<std::uint64_t>::max());
  my.out_framing = Framing::UntilClose;
  my.out_done = false;
}

}  // namespace rouse
