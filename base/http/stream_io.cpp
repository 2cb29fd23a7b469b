#include "base/http/stream_io.hpp"

#include "base/async/use_task.hpp"
#include "base/posix.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/this_coro.hpp>

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace rouse {
namespace {

/// A fast sender must not keep the thread to itself: after this many reads that did not wait, one
/// goes through the scheduler's queue.

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

}  // namespace

void Gather::consume(std::size_t n) {
  while (n > 0) {
    iovec& part = parts_.at(first_);
    if (n < part.iov_len) {
      part.iov_base = static_cast<char*>(part.iov_base) + n;
      part.iov_len -= n;
      return;
    }
    n -= part.iov_len;
    ++first_;
  }
}

StreamIo::StreamIo(Socket& socket, std::size_t buffer, DeadlineList* deadlines)
    : socket_(socket), buffer_(buffer), deadlines_(deadlines), watched_(socket.get_executor()) {
  if (deadlines_ != nullptr) deadlines_->add(*this);
}

StreamIo::~StreamIo() {
  if (deadlines_ != nullptr) deadlines_->remove(*this);
  if (watch_ != nullptr) watch_->remove(socket_.is_open() ? socket_.native_handle() : -1, watched_);
}

Task<Result<std::size_t>> StreamIo::fill_plain(bool idle) {
  constexpr const char* kDoing = "reading";
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto state = co_await asio::this_coro::cancellation_state;
  if (has_expired() || is_cancelled(state)) {
    co_return failure(asio::error::operation_aborted, kDoing);
  }
  if (!socket_.is_open()) co_return failure(asio::error::bad_descriptor, kDoing);
  if (idle) in.release();
  if (!in.has_memory() && idle) {
    auto [error] = co_await socket_.async_wait(asio::socket_base::wait_read, use_task);
    if (error) co_return failure(error, kDoing);
    more_is_likely_ = true;
  }
  in.reserve(buffer_);
  const std::size_t room = in.room_size();
  if (more_is_likely_ && reads_in_a_row_ < kReadsInARow) {
    ++reads_in_a_row_;
    const ssize_t n = ::recv(socket_.native_handle(), in.room(), room, MSG_DONTWAIT);
    if (n >= 0) {
      more_is_likely_ = static_cast<std::size_t>(n) == room;
      in.commit(static_cast<std::size_t>(n));
      co_return static_cast<std::size_t>(n);
    }
    if (!would_block(errno) && errno != EINTR) co_return failure(errno_code(), kDoing);
  }
  reads_in_a_row_ = 0;
  auto [error, n] = co_await socket_.async_read_some(asio::buffer(in.room(), room), use_task);
  if (error == asio::error::eof) co_return std::size_t{0};
  if (error) co_return failure(error, kDoing);
  more_is_likely_ = n == room;
  in.commit(n);
  co_return n;
}

bool StreamIo::send_now_plain(Gather& gather) {
  send_error_ = {};
  while (!gather.is_empty()) {
    if (has_expired()) {
      send_error_ = asio::error::operation_aborted;
      return false;
    }
    if (!socket_.is_open()) {
      send_error_ = asio::error::bad_descriptor;
      return false;
    }
    msghdr message{};
    message.msg_iov = gather.parts();
    message.msg_iovlen = gather.count();
    const ssize_t n = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      gather.consume(static_cast<std::size_t>(n));
    } else if (errno != EINTR) {
      if (!would_block(errno)) send_error_ = errno_code();
      return false;
    }
  }
  return true;
}

Task<Result<void>> StreamIo::send_rest(Gather gather) {
  constexpr const char* kDoing = "writing";
  co_await asio::this_coro::throw_if_cancelled(false);
  do {
    if (send_error_) co_return failure(send_error_, kDoing);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(state)) co_return failure(asio::error::operation_aborted, kDoing);
    auto [error] = co_await socket_.async_wait(asio::socket_base::wait_write, use_task);
    if (error) co_return failure(error, kDoing);
  } while (!send_now(gather));
  co_return Result<void>();
}

void StreamIo::watch() {
  in.release();
  if (watch_ != nullptr || !socket_.is_open()) return;
  watch_ = &HangupWatch::of(socket_.get_executor());
  watch_->add(socket_.native_handle(), watched_);
}

void StreamIo::on_gone(std::function<void()> call) {
  watched_.call = std::move(call);
  if (!watched_.call) return;
  watch();
  if (!watched_.gone || watch_ == nullptr) return;
  // It went before; the caller hears of it from the loop, as always.
  watch_->report_later(watched_.key);
}

bool StreamIo::is_writable() const {
  if (!socket_.is_open() || has_expired()) return false;
  if (tls_ != nullptr && tls_->has_unsent()) return false;
  pollfd entry{socket_.native_handle(), POLLOUT, 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & (POLLERR | POLLHUP)) == 0;
}

Task<void> StreamIo::wait_gone() {
  co_await asio::this_coro::throw_if_cancelled(false);
  watch();
  while (!watched_.gone && !has_expired() && socket_.is_open()) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(state)) co_return;
    co_await watched_.wake.async_wait(use_task);
  }
}

void StreamIo::expire_at(Clock::time_point at) {
  if (deadlines_ != nullptr) deadlines_->set(*this, at);
}

void StreamIo::on_expired() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
  watched_.wake.cancel();
}

void StreamIo::close(bool reset) {
  if (!socket_.is_open()) return;
  boost::system::error_code ignored;
  if (watch_ != nullptr) watch_->remove(socket_.native_handle(), watched_);
  if (reset) socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
  watched_.wake.cancel();
}

Error StreamIo::failure(boost::system::error_code code, const char* doing) const {
  if (has_expired()) return Error{make_error_code(HttpErrc::Timeout), doing};
  return Error{code, doing};
}

}  // namespace rouse
