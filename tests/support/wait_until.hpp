#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>

namespace rouse::test {

/// Looks at @p condition every 2 ms until it holds or @p limit has passed; says whether it held.
/// For facts outside this process, which nothing here can be told about.
template <class Condition>
[[nodiscard]] bool wait_until(Condition condition,
                              std::chrono::milliseconds limit = std::chrono::seconds(5)) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return condition();
    ::poll(nullptr, 0, 2);
  }
  return true;
}

/// A TCP port of 127.0.0.1 on which nothing listens now, and which no other test is given as long
/// as this process lives; with @p count that many in a row. Below the ports that the kernel gives
/// to whoever asks for any, so that nobody takes it by chance before it is used.
[[nodiscard]] std::uint16_t free_port(int count = 1);

}  // namespace rouse::test
