#include "base/net/listen.hpp"

#include "base/net/port_holder.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace rouse {
namespace {

constexpr int kBacklog = 4096;

const sockaddr* as_sockaddr(const void* address) {
  return static_cast<const sockaddr*>(address);
}

std::string with_port(const std::string& host, std::uint16_t port) {
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::uint16_t port_of(const sockaddr_storage& storage) {
  in_port_t port = 0;
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof address);
    port = address.sin6_port;
  } else {
    sockaddr_in address{};
    std::memcpy(&address, &storage, sizeof address);
    port = address.sin_port;
  }
  return ntohs(port);
}

Result<ListeningSocket> listen_at(const addrinfo& where, const std::string& doing) {
  UniqueFd fd(::socket(where.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error(doing);
  const int on = 1;
  const int off = 0;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Inherited by what is accepted.
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (where.ai_family == AF_INET6) {
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (::bind(fd.get(), where.ai_addr, where.ai_addrlen) != 0) return errno_error(doing);
  if (::listen(fd.get(), kBacklog) != 0) return errno_error(doing);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return errno_error(doing);
  }
  return ListeningSocket{std::move(fd), where.ai_family,
                         with_port(address_text(bound), port_of(bound))};
}

/// Removes the socket file at @p path if nobody listens on it.
Result<void> remove_stale(const std::string& path, const sockaddr_un& address,
                          const std::string& doing) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return {};
    return errno_error(doing);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return Error{make_error_code(boost::system::errc::file_exists),
                 doing + " (it is there and is not a socket)"};
  }
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe) return errno_error(doing);
  if (::connect(probe.get(), as_sockaddr(&address), sizeof address) == 0 || errno != ECONNREFUSED) {
    return Error{make_error_code(boost::system::errc::address_in_use), doing};
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error(doing);
  return {};
}

}  // namespace

std::optional<ListenAddress> ListenAddress::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view digits = text.substr(colon + 1);
  std::string_view host = text.substr(0, colon);
  const bool in_brackets = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  if (in_brackets) host = host.substr(1, host.size() - 2);
  ListenAddress address{std::string(host), 0};
  const char* const last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, address.port);
  if (error != std::errc{} || end != last) return std::nullopt;
  return address;
}

std::string listen_failure(const ListenAddress& address, const Error& failed) {
  namespace errc = boost::system::errc;
  const std::string where =
      "cannot listen on " + with_port(address.host.empty() ? "*" : address.host, address.port);
  if (failed.code == errc::address_in_use) {
    const std::string holder = port_holder(address.port, address.host);
    return where + ": the port is in use" + (holder.empty() ? "" : " by " + holder) +
           "; stop that program, or choose another port";
  }
  if (failed.code == errc::permission_denied) {
    return where + ": ports below 1024 need root or CAP_NET_BIND_SERVICE; choose another port";
  }
  if (failed.code == errc::address_not_available) {
    return where + ": this machine has no such address (" + failed.message() + ")";
  }
  return where + ": " + failed.message();
}

std::string address_text(const sockaddr_storage& storage) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (storage.ss_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &storage, sizeof address);
    ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof address);
    if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
      ::inet_ntop(AF_INET, &address.sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
    }
  } else {
    return "unix";
  }
  return text.data();
}

Result<ListeningSocket> listen_tcp(const std::string& host, std::uint16_t port) {
  const std::string doing = "listening on " + with_port(host.empty() ? "*" : host, port);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  // Of several addresses the first that works is taken; localhost is IPv4's, as clients try that.
  std::string name = host == "localhost" ? "127.0.0.1" : host;
  if (name.empty()) name = "::";
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(name.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) {
    return Error{make_error_code(boost::system::errc::address_not_available),
                 doing + " (" + ::gai_strerror(failed) + ")"};
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, ::freeaddrinfo);
  Error first;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    auto socket = listen_at(*each, doing);
    if (socket) return socket;
    if (!first.code) first = socket.error();
  }
  // A machine without IPv6.
  if (host.empty() && first.code == boost::system::errc::address_family_not_supported) {
    return listen_tcp("0.0.0.0", port);
  }
  return first;
}

Result<ListeningSocket> listen_unix_path(const std::string& path) {
  const std::string doing = "listening on unix:" + path;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{make_error_code(boost::system::errc::filename_too_long), doing};
  }
  path.copy(address.sun_path, path.size());
  if (auto removed = remove_stale(path, address, doing); !removed) return removed.error();
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error(doing);
  if (::bind(fd.get(), as_sockaddr(&address), sizeof address) != 0) return errno_error(doing);
  if (::listen(fd.get(), kBacklog) != 0) return errno_error(doing);
  return ListeningSocket{std::move(fd), AF_UNIX, "unix:" + path};
}

}  // namespace rouse
