#pragma once

#include "base/deadline_list.hpp"
#include "base/hangup_watch.hpp"
#include "base/http_stream.hpp"
#include "base/read_buffer.hpp"

#include <sys/uio.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
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
/// waits: most writes never suspend.
class StreamIo final : public DeadlineEntry {
 public:
  using Socket = HttpStream::Socket;

  /// All of them outlive this.
  StreamIo(Socket& socket, std::size_t buffer, DeadlineList* deadlines);
  ~StreamIo();
  StreamIo(const StreamIo&) = delete;
  StreamIo& operator=(const StreamIo&) = delete;

  ReadBuffer in;

  /// Reads once into `in`; 0 at the end of the stream. @p idle: it may take long, so no buffer is
  /// held meanwhile if it is empty.
  Task<Result<std::size_t>> fill(bool idle);
  /// Writes what it can at once; whether that is all. An error is left for send_rest().
  [[nodiscard]] bool send_now(Gather& gather);
  Task<Result<void>> send_rest(Gather gather);

  Task<void> wait_gone();
  void on_gone(std::function<void()> call);
  /// Whether a small write would go out at once.
  [[nodiscard]] bool is_writable() const;

  void expire_at(Clock::time_point at);
  void close(bool reset);

 private:
  void watch();
  void on_expired() override;
  /// What an operation that ended with @p code tells its caller.
  [[nodiscard]] Error failure(boost::system::error_code code, const char* doing) const;

  Socket& socket_;
  std::size_t buffer_;
  DeadlineList* deadlines_;
  HangupWatch* watch_ = nullptr;
  HangupWatch::Watched watched_;
  boost::system::error_code send_error_;
  bool more_is_likely_ = false;  ///< the last read filled all the room there was
  int reads_in_a_row_ = 0;       ///< without giving others a turn
};

/// Whether a terminal cancellation has come.
[[nodiscard]] bool is_cancelled(const asio::cancellation_state& state);

}  // namespace rouse
