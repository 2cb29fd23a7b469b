#pragma once

#include "base/posix.hpp"
#include "base/result.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {

/// Where to listen, as a person writes it.
struct ListenAddress {
  std::string host;  ///< an address or a name, without brackets; empty: all addresses
  std::uint16_t port = 0;

  /// "127.0.0.1:80", "[::1]:80", ":80"; nullopt for anything else.
  [[nodiscard]] static std::optional<ListenAddress> parse(std::string_view text);
  bool operator==(const ListenAddress&) const = default;
};

/// A listening socket, non-blocking and closed on exec.
struct ListeningSocket {
  UniqueFd fd;
  int family = 0;
  std::string address;  ///< with the real port; "unix:/path"
};

/// See HttpServer::listen(). Resolving a name may block.
[[nodiscard]] Result<ListeningSocket> listen_tcp(const std::string& host, std::uint16_t port);
/// Why @p failed, an error of listening at @p address, came, and what to do about it: who has the
/// port already, for one.
[[nodiscard]] std::string listen_failure(const ListenAddress& address, const Error& failed);
/// See HttpServer::listen_unix().
[[nodiscard]] Result<ListeningSocket> listen_unix_path(const std::string& path);

/// The address in @p storage without its port; "unix" for a unix socket.
[[nodiscard]] std::string address_text(const sockaddr_storage& storage);

}  // namespace rouse
