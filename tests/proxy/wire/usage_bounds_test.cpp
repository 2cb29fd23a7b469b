#include "proxy/wire/usage.hpp"

#include <gtest/gtest.h>

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>

// What looking at an answer may cost, be it what it may.
namespace rouse::wire {
namespace {

using Body = UsageTap::Body;

/// Bytes that are kept of 4 MiB.
std::size_t kept_of(Body body, std::string_view start, char filler) {
  UsageTap tap(body, 200);
  tap.feed(start);
  const std::string piece(64 << 10, filler);
  const std::size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  for (int i = 0; i < 4 * 16; ++i) tap.feed(piece);
  const std::size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  return after - std::min(before, after);
}

TEST(UsageBounds, LittleIsKept) {
  constexpr std::size_t kLittle = 64 << 10;
  EXPECT_LT(kept_of(Body::Json, R"({"data":)", ' '), kLittle);
  EXPECT_LT(kept_of(Body::Json, R"({"usage":)", ' '), kLittle);
  EXPECT_LT(kept_of(Body::Json, R"({"usage":{"x":")", 'x'), kLittle);
  EXPECT_LT(kept_of(Body::Json, R"({"usage":{"prompt_tokens":)", '1'), kLittle);
  EXPECT_LT(kept_of(Body::Json, R"({"error":")", 'x'), kLittle);
  EXPECT_LT(kept_of(Body::Json, "{\"", 'x'), kLittle) << "a key";
  EXPECT_LT(kept_of(Body::Json, "", '['), kLittle) << "depth";
  EXPECT_LT(kept_of(Body::Events, "data: {\"x\":\"", 'x'), kLittle);
  EXPECT_LT(kept_of(Body::Events, "", 'x'), kLittle);
}

double seconds_for(Body body, std::string_view start, std::string_view filler, std::size_t bytes) {
  UsageTap tap(body, 200);
  tap.feed(start);
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t fed = 0; fed < bytes; fed += filler.size()) tap.feed(filler);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Eight times the bytes may take eight times as long, not 64 times; a loaded machine may take
/// more.
void expect_no_square(Body body, std::string_view start, char filler) {
  const std::string piece(200, filler);
  const double part = seconds_for(body, start, piece, 512 << 10);
  EXPECT_LT(seconds_for(body, start, piece, 4096 << 10), 24 * part + 0.05) << part;
}

TEST(UsageBounds, ALongLineCostsWhatItsBytesCost) {
  expect_no_square(Body::Events, "data: {\"b64\":\"", 'x');
  expect_no_square(Body::Events, "event: ", 'x');
}

TEST(UsageBounds, BlanksCostWhatTheirBytesCost) {
  expect_no_square(Body::Json, R"({"data":)", ' ');
}

}  // namespace
}  // namespace rouse::wire
