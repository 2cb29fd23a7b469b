#pragma once

#include "base/http/stream.hpp"
#include "core/least_rate.hpp"
#include "proxy/admission/ticket.hpp"

#include <chrono>
#include <cstdint>
#include <memory>

namespace rouse {

/// Cuts a client that takes too little of what is written for it, once somebody waits for the place
/// of its request. What its kernel has confirmed counts, and only while a piece is kept waiting: an
/// engine that says little is not its client's fault. Owned by the ClientAnswer; single thread, the
/// client's stream outlives it.
class ReadingWatch {
 public:
  using Clock = std::chrono::steady_clock;

  /// @p least: bytes a second that it has to take, over a @p window of being waited for. 0: one is
  /// enough.
  ReadingWatch(HttpStream& client, const Executor& executor, std::uint64_t least,
               std::chrono::milliseconds window);
  ~ReadingWatch();
  ReadingWatch(const ReadingWatch&) = delete;
  ReadingWatch& operator=(const ReadingWatch&) = delete;

  /// Somebody waits.
  void start();
  void stop();
  /// A piece is about to be written, or (false) has been.
  void set_writing(bool writing);
  [[nodiscard]] bool has_started() const { return started_; }

 private:
  void arm();
  void look();
  [[nodiscard]] std::uint64_t taken() const;

  HttpStream& client_;
  core::LeastRate rate_;
  const std::chrono::milliseconds pause_;  // between two looks
  SteadyTimer timer_;
  bool started_ = false;
  bool writing_ = false;
  Clock::time_point since_{};  // of the piece, or of the last look at it
  std::uint64_t taken_ = 0;    // at the last look
  /// A look that is queued already cannot be cancelled: it finds this gone.
  std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

}  // namespace rouse
