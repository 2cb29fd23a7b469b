#include "proxy/access/open_listener.hpp"

#include "base/service/log.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <string_view>

namespace rouse {

namespace {

enum class Reach { ThisMachine, EveryAddress, OneAddress, Name };

Reach reach_of_v4(const in_addr& address) {
  const std::uint32_t bits = ntohl(address.s_addr);
  if (bits >> 24 == 127) return Reach::ThisMachine;
  return bits == INADDR_ANY ? Reach::EveryAddress : Reach::OneAddress;
}

Reach reach_of_v6(const in6_addr& address) {
  if (IN6_IS_ADDR_LOOPBACK(&address)) return Reach::ThisMachine;
  if (IN6_IS_ADDR_UNSPECIFIED(&address)) return Reach::EveryAddress;
  if (!IN6_IS_ADDR_V4MAPPED(&address)) return Reach::OneAddress;
  in_addr mapped{};
  std::copy_n(&address.s6_addr[12], 4, reinterpret_cast<unsigned char*>(&mapped));
  return reach_of_v4(mapped);
}

Reach reach_of(std::string host) {
  if (host.starts_with("unix:") || host.starts_with('/')) return Reach::ThisMachine;
  if (host.size() >= 2 && host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  if (host.empty() || host == "*") return Reach::EveryAddress;
  in_addr v4{};
  in6_addr v6{};
  // inet_aton also reads what getaddrinfo does: 127.1, 0, 0x7f000001.
  if (::inet_aton(host.c_str(), &v4) != 0) return reach_of_v4(v4);
  if (::inet_pton(AF_INET6, host.c_str(), &v6) == 1) return reach_of_v6(v6);
  std::transform(host.begin(), host.end(), host.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  const bool is_local = host == "localhost" || host == "ip6-localhost" || host == "ip6-loopback";
  return is_local ? Reach::ThisMachine : Reach::Name;
}

std::string where(Reach reach, const std::string& host) {
  if (reach == Reach::EveryAddress) {
    return host.empty() || host == "*" ? "every address of this machine"
                                       : host + ", every address of this machine,";
  }
  if (reach == Reach::Name) return for_log(host) + ", whatever that name resolves to,";
  return for_log(host);
}

}  // namespace

std::optional<std::string> open_listener_warning(const Config& config,
                                                 const std::string& listen_host) {
  if (!config.keys.empty()) return std::nullopt;
  const Reach reach = reach_of(listen_host);
  if (reach == Reach::ThisMachine) return std::nullopt;
  std::string text = fmt::format(
      "ANYBODY WHO CAN REACH THIS MACHINE CAN USE THIS PROXY.\n"
      "It listens on {} and there are no keys. Whoever can connect may\n"
      "  - use every model, for as long as they like\n"
      "  - load and unload models and cancel what others are waiting for\n"
      "  - read the logs, and who used which model when{}\n",
      where(reach, listen_host),
      config.capture_buffer_mb > 0 ? ", and prompts and answers (captureBuffer is on)" : "");
  if (!config.peers.empty()) text += "  - use the peers, with the keys that are stored for them\n";
  text +=
      "To end this, do one of\n"
      "  - listen on this machine only: --listen 127.0.0.1:PORT\n"
      "  - make a key with `rouse key NAME` and put what it prints into the configuration";
  return text;
}

}  // namespace rouse
