#pragma once

#include "base/posix.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace rouse::test {

/// A client that reads nothing, on a loop's own thread: it only looks at what has become of its
/// connection.
class RawClient {
 public:
  explicit RawClient(const std::string& unix_path)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    unix_path.copy(address.sun_path, sizeof address.sun_path - 1);
    connect(address);
  }
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(address);
  }

  void send(std::string_view bytes) const {
    EXPECT_EQ(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  [[nodiscard]] bool hears() const { return (seen(POLLIN) & POLLIN) != 0; }
  /// Whether the other end has gone, also behind bytes that nobody has read.
  [[nodiscard]] bool is_left() const { return (seen(POLLRDHUP) & (POLLHUP | POLLRDHUP)) != 0; }

 private:
  template <class Address>
  void connect(const Address& address) {
    EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  [[nodiscard]] short seen(short wanted) const {
    pollfd one{fd_.get(), wanted, 0};
    return ::poll(&one, 1, 0) == 1 ? one.revents : short{0};
  }

  UniqueFd fd_;
};

}  // namespace rouse::test
