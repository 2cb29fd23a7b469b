#pragma once

#include "base/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rouse::suspendd {

/// A TCP socket of this network namespace, as the kernel's socket diagnostics tell it.
struct TcpSocket {
  std::uint64_t cookie = 0;  ///< of this socket and never another
  std::uint32_t inode = 0;
  std::uint16_t local_port = 0;
  std::string remote;  ///< "192.0.2.7" or "2001:db8::1"; an IPv4 one is never written as IPv6
  /// Since the last data from the other side; nullopt: the kernel does not say.
  std::optional<std::chrono::milliseconds> since_received;
  std::uint64_t bytes_received = 0;
};

enum class TcpState { Established, Listening };

/// NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, for IPv4 and IPv6 (linux/inet_diag.h). Any user may ask.
/// Other network namespaces, such as those of containers, are not seen. Does not block: the kernel
/// answers in the calls themselves.
[[nodiscard]] Result<std::vector<TcpSocket>> tcp_sockets(TcpState state);

/// Reads one datagram of such an answer into @p found. False: the last one. An error is the
/// kernel's, or says that the answer is malformed.
[[nodiscard]] Result<bool> read_diag_answer(const char* bytes, std::size_t size,
                                            std::vector<TcpSocket>& found);

}  // namespace rouse::suspendd
