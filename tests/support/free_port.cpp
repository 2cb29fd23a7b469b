#include "tests/support/wait_until.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace rouse::test {

namespace {

constexpr int kFirst = 10'000;
constexpr int kLast = 32'000;  // the kernel's own begin at 32768
constexpr int kBlock = 50;

bool is_free(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return bound;
}

/// The first port of a block that no other process has; the lock ends with this process. 0: all
/// are taken.
int take_block() {
  static int next = kFirst;
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("rouse-test-ports-" + std::to_string(::getuid()));
  std::filesystem::create_directories(folder);
  for (; next + kBlock <= kLast; next += kBlock) {
    const std::string file = folder / std::to_string(next);
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) continue;
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) {
      next += kBlock;
      return next - kBlock;
    }
    ::close(fd);
  }
  return 0;
}

}  // namespace

std::uint16_t free_port(int count) {
  static int at = 0;
  static int end = 0;
  for (int found = 0;;) {
    if (at == end) {
      at = take_block();
      end = at + kBlock;
      found = 0;
    }
    if (at == 0) {
      ADD_FAILURE() << "all ports for tests are taken";
      return 0;
    }
    found = is_free(at++) ? found + 1 : 0;
    if (found == count) return static_cast<std::uint16_t>(at - count);
  }
}

}  // namespace rouse::test
