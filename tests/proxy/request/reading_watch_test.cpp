// What a client that is being waited for takes, over a real connection.
#include "proxy/request/reading_watch.hpp"

#include "tests/base/http/stream_fixture.hpp"

#include <boost/asio/steady_timer.hpp>

namespace rouse {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kLeast = 1024 * 1024;
constexpr auto kWindow = 250ms;

class ReadingWatched : public StreamFixture {
 protected:
  void SetUp() override {
    connect_tcp(HttpStream::Role::Server);
    say("GET / HTTP/1.1\r\nHost: r\r\n\r\n");
    ASSERT_TRUE(run(stream_->read_request()));
    watch_ = std::make_unique<ReadingWatch>(*stream_, io_.get_executor(), kLeast, kWindow);
  }
  void TearDown() override {
    watch_->stop();
    stream_->close(true);
    StreamFixture::TearDown();
    watch_.reset();
  }
  /// Begins an answer that is more than the kernel takes.
  void begin_answer() {
    group_.spawn(keep(write(), written_));
    io_.poll();
    ASSERT_FALSE(written_) << "the kernel took all of it";
  }
  Task<Result<void>> write() {
    ResponseHead head;
    head.framing = Framing::Length;
    head.content_length = body_.size();
    watch_->set_writing(true);
    const Result<void> sent = co_await stream_->write_response(head, body_, false);
    watch_->set_writing(false);
    co_return sent;
  }
  /// Up to @p size bytes each @p pause, until the answer has been written or cut.
  void read(std::size_t size, std::chrono::milliseconds pause) {
    std::string buffer(size, '\0');
    auto next = std::chrono::steady_clock::now();
    ASSERT_TRUE(run_until([&] {
      const auto now = std::chrono::steady_clock::now();
      if (now >= next) {
        (void)::recv(peer_.get(), buffer.data(), size, MSG_DONTWAIT);
        next = now + pause;
      }
      return written_.has_value();
    }));
  }

  const std::string body_ = std::string(24'000'000, 'x');
  std::unique_ptr<ReadingWatch> watch_;
  std::optional<Result<void>> written_;
};

TEST_F(ReadingWatched, WhoTakesNothingIsCut) {
  begin_answer();
  watch_->start();
  ASSERT_TRUE(run_until([this] { return written_.has_value(); })) << "it may go on for ever";
  EXPECT_FALSE(*written_);
}

TEST_F(ReadingWatched, WhoTakesTooLittleIsCut) {
  begin_answer();
  watch_->start();
  read(1024, 20ms);
  EXPECT_FALSE(*written_);
}

TEST_F(ReadingWatched, WhoTakesEnoughIsServedForAsLongAsThatTakes) {
  begin_answer();
  watch_->start();
  const auto began = std::chrono::steady_clock::now();
  read(128 * 1024, 5ms);
  EXPECT_TRUE(*written_);
  EXPECT_GT(std::chrono::steady_clock::now() - began, 2 * kWindow) << "this shows nothing";
}

TEST_F(ReadingWatched, WhatWasTakenBeforeSomebodyWaitedIsForgiven) {
  begin_answer();
  const auto until = std::chrono::steady_clock::now() + 2 * kWindow;
  run_until([until] { return std::chrono::steady_clock::now() > until; });
  watch_->start();
  // Timers fire in their order: behind this one the first look has been.
  asio::steady_timer behind(io_, kWindow / 4);
  bool has_looked = false;
  behind.async_wait([&](const boost::system::error_code&) { has_looked = true; });
  ASSERT_TRUE(run_until([&] { return has_looked; }));
  EXPECT_TRUE(stream_->socket().is_open()) << "cut at the first look";
  read(128 * 1024, 5ms);
  EXPECT_TRUE(*written_);
}

TEST_F(ReadingWatched, NobodyIsCutForWhatIsNotWritten) {
  watch_->start();
  const auto until = std::chrono::steady_clock::now() + 2 * kWindow;
  run_until([until] { return std::chrono::steady_clock::now() > until; });
  EXPECT_TRUE(stream_->socket().is_open());
}

}  // namespace
}  // namespace rouse
