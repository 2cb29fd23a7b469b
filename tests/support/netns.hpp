#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace rouse::test {

/// Tests in a network of their own. inside() runs code in a child process with a user and a network
/// namespace that it made: no interface but lo, which is down, and all capabilities over it,
/// without being root (tcpdump and the like would want to become somebody else). What fails in
/// there fails the test. Skips, saying why, where namespaces are not allowed.
class NetnsTest : public testing::Test {
 protected:
  void SetUp() override;
  /// At most 30 s.
  static void inside(const std::function<void()>& body);
};

/// Where @p name is installed, with its folder; empty: it is not.
[[nodiscard]] std::string program_path(const std::string& name);

/// Runs `ip ARGUMENTS`; its failure is the test's.
void ip(const std::string& arguments);

/// Takes every capability from this process for good.
void drop_capabilities();

/// An Ethernet frame.
struct Frame {
  std::string bytes;

  [[nodiscard]] std::string to_mac() const;  ///< "ff:ff:ff:ff:ff:ff"
  [[nodiscard]] std::uint16_t ethertype() const;
  /// Of UDP over IPv4, else empty.
  [[nodiscard]] std::string from_ip() const;
  [[nodiscard]] std::string to_ip() const;
  [[nodiscard]] std::uint16_t to_port() const;  ///< 0: no UDP
  /// What follows the headers; of UDP its data.
  [[nodiscard]] std::string payload() const;
};

/// A cable: two interfaces of this namespace, both up. What is sent into @p near is seen to come
/// out of @p far. Made while there are capabilities, used with or without.
class Wire {
 public:
  Wire(const std::string& near, const std::string& far);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// All frames that have come out since the last call; complete, as the last thing sent before it
  /// is a mark that ends it.
  std::vector<Frame> frames();

 private:
  std::string name_;
  int in_ = -1;
  int out_ = -1;
};

}  // namespace rouse::test
