#include "base/net/endpoint.hpp"

#include "base/text/secrets.hpp"

#include <boost/asio/ip/address_v6.hpp>
#include <boost/system/errc.hpp>

#include <charconv>
#include <utility>

namespace rouse {
namespace {

/// sun_path, with its final NUL.
constexpr std::size_t kUnixPathMax = 107;

Error refused(std::string_view text, const std::string& why) {
  return Error{make_error_code(boost::system::errc::invalid_argument),
               "endpoint \"" + hide_secrets(text.substr(0, 200)) + "\" " + why};
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  for (const char c : host) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '.' || c == '-' || c == '_';
    if (!ok) return false;
  }
  return true;
}

bool is_path(std::string_view path) {
  for (const char c : path) {
    if (c <= ' ' || c == 0x7f || c == '?' || c == '#') return false;
  }
  return true;
}

/// 0 when @p text is not a port.
std::uint16_t parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && last == end ? port : std::uint16_t{0};
}

Result<Endpoint> parse_unix(std::string_view text, std::string_view path) {
  if (path.substr(0, 2) == "//") path.remove_prefix(2);  // unix:///run/x.sock
  if (path.empty() || path[0] != '/')
    return refused(text, "needs an absolute path after \"unix:\"");
  if (path.size() > kUnixPathMax) {
    return refused(text, "has a path longer than a unix socket can have (" +
                             std::to_string(kUnixPathMax) + " bytes)");
  }
  if (path.find('\0') != std::string_view::npos) return refused(text, "has a NUL in its path");
  Endpoint endpoint;
  endpoint.unix_path = path;
  return endpoint;
}

/// Host and port of @p endpoint from `host`, `host:port` or `[address]:port`; what is wrong, or
/// empty.
std::string parse_authority(std::string_view authority, Endpoint& endpoint) {
  if (authority.find('@') != std::string_view::npos) return "must not hold a user name or password";
  std::string_view host = authority;
  std::string_view port;
  bool has_port = false;
  if (!authority.empty() && authority[0] == '[') {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return "lacks the ']' of its address";
    host = authority.substr(1, close - 1);
    boost::system::error_code error;
    boost::asio::ip::make_address_v6(std::string(host), error);
    if (error) return "has no valid IPv6 address in its brackets";
    const std::string_view rest = authority.substr(close + 1);
    if (!rest.empty() && rest[0] != ':') return "has text between its address and its port";
    has_port = !rest.empty();
    if (has_port) port = rest.substr(1);
  } else {
    const auto colon = authority.find(':');
    host = authority.substr(0, colon);
    has_port = colon != std::string_view::npos;
    if (has_port) port = authority.substr(colon + 1);
    if (host.empty()) return "has no host";
    if (!is_host_name(host)) return "has a host with characters that no host name has";
  }
  endpoint.host = host;
  if (has_port) {
    endpoint.port = parse_port(port);
    if (endpoint.port == 0) return "has a port that is not a number from 1 to 65535";
  }
  return {};
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kHttps = "https://";
  if (text.substr(0, kUnix.size()) == kUnix) return parse_unix(text, text.substr(kUnix.size()));

  Endpoint endpoint;
  std::string_view rest;
  if (text.substr(0, kHttp.size()) == kHttp) {
    rest = text.substr(kHttp.size());
    endpoint.port = 80;
  } else if (text.substr(0, kHttps.size()) == kHttps) {
    rest = text.substr(kHttps.size());
    endpoint.port = 443;
    endpoint.tls = true;
  } else {
    return refused(text, "must begin with http://, https:// or unix:");
  }
  const auto slash = rest.find_first_of("/?#");
  if (std::string why = parse_authority(rest.substr(0, slash), endpoint); !why.empty()) {
    return refused(text, why);
  }
  if (slash != std::string_view::npos) {
    std::string_view path = rest.substr(slash);
    if (!is_path(path)) return refused(text, "must end with its path: no query, fragment or space");
    while (!path.empty() && path.back() == '/') path.remove_suffix(1);
    endpoint.base_path = path;
  }
  return endpoint;
}

std::string Endpoint::authority() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  if (host.find(':') != std::string::npos) return "[" + host + "]:" + std::to_string(port);
  return host + ":" + std::to_string(port);
}

}  // namespace rouse
