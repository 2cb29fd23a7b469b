#include "base/wake/packets.hpp"

#include "base/net/net_interface.hpp"
#include "base/posix.hpp"
#include "base/text/json_writer.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <netpacket/packet.h>
#include <optional>
#include <utility>

namespace rouse {

namespace {

namespace ip = boost::asio::ip;

constexpr std::uint16_t kEtherType = 0x0842;  // as etherwake sends it

/// One way to one address.
struct Way {
  std::string path;
  ip::address to;
  std::string device;                  ///< bound to; empty: as routed
  std::optional<ip::address_v4> from;  ///< bound to; nullopt: as routed

  bool operator==(const Way&) const = default;
};

std::string errno_text(int code) {
  return boost::system::error_code(code, boost::system::system_category()).message();
}

/// What a person can do about @p code.
std::string advice(int code, const WakePlan& plan, bool is_raw) {
  switch (code) {
    case ENETUNREACH:
    case EHOSTUNREACH:
      return "there is no route there; say an interface or a source address";
    case ENODEV:
    case ENXIO:
      if (plan.interface.empty()) return "no interface here is up and can broadcast";
      return fmt::format("there is no interface {} here", plan.interface);
    case ENETDOWN:
      return "the interface is down";
    case EADDRNOTAVAIL:
      return "no interface here has that source address";
    case EPERM:
      return is_raw ? "frames without IP need the capability CAP_NET_RAW"
                    : "a firewall of this machine, or a kernel older than 5.7 for binding to an "
                      "interface";
    case EAFNOSUPPORT:
      return "this machine has no such protocol";
    default:
      return {};
  }
}

WakeResult failed(WakeResult result, int code, const WakePlan& plan) {
  result.code = code;
  result.text = errno_text(code);
  const std::string more = advice(code, plan, result.path == "raw");
  if (!more.empty()) result.text += ": " + more;
  return result;
}

// --- UDP -----------------------------------------------------------------------------------------

/// A socket's address in the kernel's form.
struct KernelAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

KernelAddress kernel_address(const ip::address_v4& address, std::uint16_t port) {
  KernelAddress out;
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  in.sin_addr.s_addr = htonl(address.to_uint());
  std::memcpy(&out.storage, &in, sizeof in);
  out.size = sizeof in;
  return out;
}

KernelAddress kernel_address(const ip::address& address, std::uint16_t port, unsigned scope) {
  if (address.is_v4()) return kernel_address(address.to_v4(), port);
  KernelAddress out;
  sockaddr_in6 in{};
  const auto bytes = address.to_v6().to_bytes();
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port);
  std::memcpy(&in.sin6_addr, bytes.data(), bytes.size());
  in.sin6_scope_id = address.to_v6().scope_id() != 0
                         ? static_cast<std::uint32_t>(address.to_v6().scope_id())
                         : scope;
  std::memcpy(&out.storage, &in, sizeof in);
  out.size = sizeof in;
  return out;
}

/// A UDP socket for @p way; its errno where there is none.
Result<UniqueFd> udp_socket(const Way& way) {
  UniqueFd fd(
      ::socket(way.to.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error({});
  const int yes = 1;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes) != 0) {
    return errno_error({});
  }
  const bool device_bound =
      way.device.empty() || ::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, way.device.c_str(),
                                         static_cast<socklen_t>(way.device.size())) == 0;
  if (!device_bound) return errno_error({});
  if (way.from && way.to.is_v4()) {
    const KernelAddress from = kernel_address(*way.from, 0);
    if (::bind(fd.get(), from.get(), from.size) != 0) return errno_error({});
  }
  return fd;
}

std::string destination_of(const Way& way, std::uint16_t port) {
  std::string text = way.to.is_v6() ? fmt::format("[{}]:{}", way.to.to_string(), port)
                                    : fmt::format("{}:{}", way.to.to_string(), port);
  if (!way.device.empty()) text += " on " + way.device;
  if (way.from) text += " from " + way.from->to_string();
  return text;
}

void send_way(const Way& way, const WakePlan& plan, std::vector<WakeResult>& results) {
  const Result<UniqueFd> fd = udp_socket(way);
  const unsigned scope = way.device.empty() ? 0 : ::if_nametoindex(way.device.c_str());
  for (const std::uint16_t port : plan.ports) {
    const KernelAddress to = kernel_address(way.to, port, scope);
    for (const MacAddress& mac : plan.macs) {
      WakeResult result{way.path, destination_of(way, port), mac.text(), false, 0, "sent"};
      if (!fd) {
        results.push_back(failed(std::move(result), fd.error().code.value(), plan));
        continue;
      }
      const std::string packet = magic_packet(mac, plan.secureon);
      result.ok = ::sendto(fd->get(), packet.data(), packet.size(), 0, to.get(), to.size) ==
                  static_cast<ssize_t>(packet.size());
      const int code = errno;
      results.push_back(result.ok ? std::move(result) : failed(std::move(result), code, plan));
    }
  }
}

// --- where to ------------------------------------------------------------------------------------

/// The broadcast addresses of @p interface, and that of every link, for which only its kernel knows
/// a way that says the interface.
void add_networks_of(const NetInterface& interface, const WakePlan& plan, std::vector<Way>& ways) {
  for (const NetInterface::Ipv4& ipv4 : interface.ipv4) {
    if (plan.source && ipv4.address != *plan.source) continue;
    if (ipv4.broadcast.is_unspecified()) continue;
    ways.push_back({"broadcast", ipv4.broadcast, interface.name, ipv4.address});
  }
  ways.push_back({"broadcast", ip::address_v4::broadcast(), interface.name, plan.source});
}

/// Broadcasts where the plan names neither interface nor source: out of every interface.
void add_everywhere(const std::vector<NetInterface>& interfaces, const WakePlan& plan,
                    std::vector<Way>& ways) {
  const bool has_limited = std::find(plan.broadcast.begin(), plan.broadcast.end(),
                                     ip::address_v4::broadcast()) != plan.broadcast.end();
  for (const ip::address_v4& to : plan.broadcast) {
    if (to != ip::address_v4::broadcast()) ways.push_back({"broadcast", to, {}, {}});
  }
  const std::size_t before = ways.size();
  for (const NetInterface& interface : interfaces) {
    if (!interface.takes_broadcasts()) continue;
    if (plan.broadcast.empty()) add_networks_of(interface, plan, ways);
    if (has_limited) {
      ways.push_back({"broadcast", ip::address_v4::broadcast(), interface.name, {}});
    }
  }
  // Nothing is up: the kernel's own error says so best.
  const bool wanted = plan.broadcast.empty() || has_limited;
  if (wanted && ways.size() == before) {
    ways.push_back({"broadcast", ip::address_v4::broadcast(), {}, {}});
  }
}

void add_broadcasts(const std::vector<NetInterface>& interfaces, const WakePlan& plan,
                    std::vector<Way>& ways) {
  if (plan.interface.empty() && !plan.source) return add_everywhere(interfaces, plan, ways);
  for (const ip::address_v4& to : plan.broadcast) {
    ways.push_back({"broadcast", to, plan.interface, plan.source});
  }
  if (!plan.broadcast.empty()) return;
  for (const NetInterface& interface : interfaces) {
    const bool is_meant = plan.interface.empty() ? interface.has_address(*plan.source)
                                                 : interface.name == plan.interface;
    if (is_meant) return add_networks_of(interface, plan, ways);
  }
  // The socket will tell what is missing.
  ways.push_back({"broadcast", ip::address_v4::broadcast(), plan.interface, plan.source});
}

std::vector<Way> udp_ways(const std::vector<NetInterface>& interfaces, const WakePlan& plan) {
  std::vector<Way> ways;
  if (plan.broadcasts) add_broadcasts(interfaces, plan, ways);
  for (const ip::address& to : plan.unicast) {
    ways.push_back({"unicast", to, plan.interface,
                    to.is_v4() ? plan.source : std::optional<ip::address_v4>()});
  }
  std::vector<Way> once;
  for (Way& way : ways) {
    if (std::find(once.begin(), once.end(), way) == once.end()) once.push_back(std::move(way));
  }
  return once;
}

// --- raw frames ----------------------------------------------------------------------------------

std::vector<NetInterface> raw_interfaces(const std::vector<NetInterface>& interfaces,
                                         const WakePlan& plan) {
  std::vector<NetInterface> out;
  for (const NetInterface& interface : interfaces) {
    const bool is_meant = !plan.interface.empty() ? interface.name == plan.interface
                          : plan.source           ? interface.has_address(*plan.source)
                                                  : interface.takes_broadcasts();
    if (is_meant && (interface.is_ethernet || !plan.interface.empty())) out.push_back(interface);
  }
  return out;
}

void send_raw(const std::vector<NetInterface>& interfaces, const WakePlan& plan,
              std::vector<WakeResult>& results) {
  // The kernel makes the Ethernet header; protocol 0: nothing is received.
  const UniqueFd fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int no_socket = fd ? 0 : errno;
  const std::vector<NetInterface> out = raw_interfaces(interfaces, plan);
  const auto send = [&](const NetInterface* interface, const MacAddress& mac) {
    const std::string where = interface == nullptr ? plan.interface : interface->name;
    WakeResult result{"raw", fmt::format("ethertype 0x0842 on {}", where), mac.text(), false, 0,
                      "sent"};
    if (no_socket != 0 || interface == nullptr) {
      results.push_back(failed(std::move(result), no_socket != 0 ? no_socket : ENODEV, plan));
      return;
    }
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_protocol = htons(kEtherType);
    to.sll_ifindex = interface->index;
    to.sll_halen = 6;
    std::fill_n(std::begin(to.sll_addr), 6, std::uint8_t{0xff});
    const std::string packet = magic_packet(mac, plan.secureon);
    result.ok =
        ::sendto(fd.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                 sizeof to) == static_cast<ssize_t>(packet.size());
    const int code = errno;
    results.push_back(result.ok ? std::move(result) : failed(std::move(result), code, plan));
  };
  for (const MacAddress& mac : plan.macs) {
    for (const NetInterface& interface : out) send(&interface, mac);
    if (out.empty()) send(nullptr, mac);
  }
}

}  // namespace

void write_json(JsonWriter& json, const WakeResult& result) {
  json.begin_object();
  json.member("path", result.path);
  json.member("destination", result.destination);
  if (!result.mac.empty()) json.member("mac", result.mac);
  json.member("ok", result.ok);
  json.member("code", result.code);
  json.member("text", result.text);
  json.end_object();
}

std::vector<WakeResult> send_packets(const WakePlan& plan) {
  std::vector<WakeResult> results;
  if (plan.macs.empty()) return results;
  std::vector<NetInterface> interfaces;
  // Without the list, what needs none still goes out, and the rest fails by itself.
  if (Result<std::vector<NetInterface>> found = net_interfaces()) interfaces = std::move(*found);
  for (const Way& way : udp_ways(interfaces, plan)) send_way(way, plan, results);
  if (plan.raw) send_raw(interfaces, plan, results);
  return results;
}

}  // namespace rouse
