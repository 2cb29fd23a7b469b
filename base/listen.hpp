#pragma once

#include "base/posix.hpp"
#include "base/result.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <string>

namespace rouse {

/// A listening socket, non-blocking and closed on exec.
struct ListeningSocket {
  UniqueFd fd;
  int family = 0;
  std::string address;  ///< with the real port; "unix:/path"
};

/// See HttpServer::listen(). Resolving a name may block.
[[nodiscard]] Result<ListeningSocket> listen_tcp(const std::string& host, std::uint16_t port);
/// See HttpServer::listen_unix().
[[nodiscard]] Result<ListeningSocket> listen_unix_path(const std::string& path);

/// The address in @p storage without its port; "unix" for a unix socket.
[[nodiscard]] std::string address_text(const sockaddr_storage& storage);

}  // namespace rouse
