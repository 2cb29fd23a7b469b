#pragma once

#include "base/http/deadline_list.hpp"
#include "base/http/hangup_watch.hpp"
#include "base/http/read_buffer.hpp"
#include "base/http/stream.hpp"
#include "base/tls/session.hpp"

#include <sys/uio.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace rouse {

/// Up to five pieces of memory that go out in one call.
class Gather {
 public:
  void add(std::string_view piece) {
    if (piece.empty()) return;
    parts_.at(count_++) = iovec{const_cast<char*>(piece.data()), piece.size()};
  }
  /// Forgets the first @p n bytes.
  void consume(std::size_t n);
  [[nodiscard]] bool is_empty() const { return first_ == count_; }
  [[nodiscard]] iovec* parts() { return parts_.data() + first_; }
  [[nodiscard]] std::size_t count() const { return count_ - first_; }

 private:
  std::array<iovec, 5> parts_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

/// The bytes below an HttpStream: reads into its buffer, gathers writes, waits, and ends all of it
/// with an error when its deadline passes or its task is cancelled. Tries the system call before it
/// waits: most writes never suspend. After a handshake all of it goes through TLS; a plain
/// connection pays one test of a pointer for that.
class StreamIo final : public DeadlineEntry {
 public:
  using Socket = HttpStream::Socket;

  /// All of them outlive this.
  StreamIo(Socket& socket, std::size_t buffer, DeadlineList* deadlines);
  ~StreamIo() override;
  StreamIo(const StreamIo&) = delete;
  StreamIo& operator=(const StreamIo&) = delete;

  ReadBuffer in;

  /// Reads once into `in`; 0 at the end of the stream. @p idle: it may take long, so no buffer is
  /// held meanwhile if it is empty.
  Task<Result<std::size_t>> fill(bool idle) {
    return tls_ == nullptr ? fill_plain(idle) : fill_tls(idle);
  }
  /// Writes what it can at once; whether that is all. An error is left for send_rest().
  [[nodiscard]] bool send_now(Gather& gather) {
    return tls_ == nullptr ? send_now_plain(gather) : send_now_tls(gather);
  }
  Task<Result<void>> send_rest(Gather gather);

  Task<void> wait_gone();
  void on_gone(std::function<void()> call);
  /// Whether a small write would go out at once.
  [[nodiscard]] bool is_writable() const;

  void expire_at(Clock::time_point at);
  void close(bool reset);

  /// Before anything is read or written. TlsErrc::PlainHttp leaves the connection a plain one, so
  /// that it can be answered.
  Task<Result<void>> handshake(std::unique_ptr<TlsSession> session);
  [[nodiscard]] bool is_tls() const { return tls_ != nullptr; }
  /// What follows is for TLS only.
  /// Says that nothing more will be written, if the socket has room for that now.
  void say_end();
  /// The same, and waits for the room.
  Task<void> finish();
  [[nodiscard]] bool is_quiet() { return tls_->is_quiet(); }
  /// The stream ended in a way that anybody on the wire can bring about: bytes may be missing.
  [[nodiscard]] bool was_cut() const { return tls_ != nullptr && tls_->was_cut(); }

 private:
  Task<Result<std::size_t>> fill_plain(bool idle);
  Task<Result<std::size_t>> fill_tls(bool idle);
  bool send_now_plain(Gather& gather);
  bool send_now_tls(Gather& gather);
  bool encrypt(Gather& gather);
  void watch();
  void on_expired() override;
  /// What an operation that ended with @p code tells its caller.
  [[nodiscard]] Error failure(boost::system::error_code code, const char* doing) const;

  static constexpr int kReadsInARow = 16;

  Socket& socket_;
  std::size_t buffer_;
  DeadlineList* deadlines_;
  std::unique_ptr<TlsSession> tls_;  ///< null: plain
  HangupWatch* watch_ = nullptr;
  HangupWatch::Watched watched_;
  boost::system::error_code send_error_;
  bool more_is_likely_ = false;  ///< the last read filled all the room there was
  int reads_in_a_row_ = 0;       ///< without giving others a turn
};

}  // namespace rouse
