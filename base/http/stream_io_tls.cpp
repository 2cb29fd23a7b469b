// What StreamIo does differently when there is TLS on the socket.
#include "base/async/use_task.hpp"
#include "base/http/stream_io.hpp"
#include "base/posix.hpp"
#include "base/tls/error.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace rouse {
namespace {

constexpr std::size_t kRecordMax = 16 * 1024;
/// Records that are sent together.
constexpr int kRecordsPerSend = 4;

}  // namespace

Task<Result<void>> StreamIo::handshake(std::unique_ptr<TlsSession> session) {
  constexpr const char* kDoing = "TLS handshake";
  co_await asio::this_coro::throw_if_cancelled(false);
  if (!socket_.is_open()) co_return failure(asio::error::bad_descriptor, kDoing);
  tls_ = std::move(session);
  tls_->attach(socket_.native_handle());
  while (true) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (has_expired() || is_cancelled(state) || !socket_.is_open()) {
      co_return failure(asio::error::operation_aborted, kDoing);
    }
    const TlsSession::Status status = tls_->handshake();
    if (status == TlsSession::Status::Failed) {
      const Error error{tls_->error(), kDoing};
      static_cast<void>(tls_->flush());  // tells the other side why, if it can
      if (error.code == make_error_code(TlsErrc::PlainHttp)) tls_.reset();
      co_return error;
    }
    Gather nothing;
    if (!send_now(nothing)) {
      auto sent = co_await send_rest(nothing);
      if (!sent) co_return sent.error();
    }
    if (status == TlsSession::Status::Done) co_return Result<void>();
    auto [error] = co_await socket_.async_wait(asio::socket_base::wait_read, use_task);
    if (error) co_return failure(error, kDoing);
  }
}

Task<Result<std::size_t>> StreamIo::fill_tls(bool idle) {
  constexpr const char* kDoing = "reading";
  co_await asio::this_coro::throw_if_cancelled(false);
  if (idle) in.release();
  bool must_wait = idle && !in.has_memory() && !tls_->has_pending();
  if (must_wait) tls_->release();
  while (true) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (has_expired() || is_cancelled(state)) {
      co_return failure(asio::error::operation_aborted, kDoing);
    }
    if (!socket_.is_open()) co_return failure(asio::error::bad_descriptor, kDoing);
    if (must_wait) {
      reads_in_a_row_ = 0;
      auto [error] = co_await socket_.async_wait(asio::socket_base::wait_read, use_task);
      if (error) co_return failure(error, kDoing);
    }
    if (++reads_in_a_row_ > kReadsInARow) {
      reads_in_a_row_ = 0;
      co_await asio::post(socket_.get_executor(), use_task);
      if (!socket_.is_open()) co_return failure(asio::error::bad_descriptor, kDoing);
    }
    in.reserve(buffer_);
    std::size_t n = 0;
    const TlsSession::Status status = tls_->read(in.room(), in.room_size(), n);
    in.commit(n);
    // The protocol may have had something to say, too; the next write sends what does not go now.
    static_cast<void>(tls_->flush());
    if (status == TlsSession::Status::Done) co_return n;
    if (status == TlsSession::Status::Ended) co_return std::size_t{0};
    if (status == TlsSession::Status::Failed) co_return failure(tls_->error(), kDoing);
    must_wait = true;
  }
}

/// Encrypts a few records of @p gather; small pieces go together into one.
bool StreamIo::encrypt(Gather& gather) {
  std::array<char, kRecordMax> record;
  for (int i = 0; i < kRecordsPerSend && !gather.is_empty(); ++i) {
    const std::string_view first(static_cast<const char*>(gather.parts()->iov_base),
                                 gather.parts()->iov_len);
    if (gather.count() == 1 || first.size() >= kRecordMax) {
      const std::string_view piece = first.substr(0, kRecordMax);
      if (!tls_->write(piece)) return false;
      gather.consume(piece.size());
      continue;
    }
    std::size_t filled = 0;
    for (std::size_t part = 0; part < gather.count() && filled < kRecordMax; ++part) {
      const iovec& each = gather.parts()[part];
      const std::size_t n = std::min(each.iov_len, kRecordMax - filled);
      std::memcpy(record.data() + filled, each.iov_base, n);
      filled += n;
    }
    if (!tls_->write(std::string_view(record.data(), filled))) return false;
    gather.consume(filled);
  }
  return true;
}

bool StreamIo::send_now_tls(Gather& gather) {
  send_error_ = {};
  if (has_expired()) {
    send_error_ = asio::error::operation_aborted;
    return false;
  }
  if (!socket_.is_open()) {
    send_error_ = asio::error::bad_descriptor;
    return false;
  }
  while (true) {
    if (!tls_->flush()) {
      send_error_ = tls_->send_error();
      return false;
    }
    if (gather.is_empty()) return true;
    if (!encrypt(gather)) {
      send_error_ = tls_->send_error();
      return false;
    }
  }
}

void StreamIo::say_end() {
  if (!socket_.is_open()) return;
  tls_->end();
  static_cast<void>(tls_->flush());
}

Task<void> StreamIo::finish() {
  if (!socket_.is_open()) co_return;
  tls_->end();
  Gather nothing;
  if (!send_now(nothing)) static_cast<void>(co_await send_rest(nothing));
}

}  // namespace rouse
