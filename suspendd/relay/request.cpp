#include "base/service/log.hpp"
#include "suspendd/relay/service.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

namespace rouse::suspendd {

namespace {

namespace dom = simdjson::dom;
namespace ip = boost::asio::ip;

constexpr std::size_t kMacsMax = 16;
constexpr std::size_t kPortsMax = 8;
constexpr std::size_t kBroadcastMax = 8;

Error refused(std::string why) {
  return Error{make_error_code(boost::system::errc::invalid_argument), std::move(why)};
}

/// Adds the text or the texts of @p value by @p add, which says what is wrong with one.
template <class Add>
std::string each_text(dom::element value, std::string_view name, Add add) {
  dom::array list;
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) return add(text);
  if (value.get(list) != simdjson::SUCCESS) return fmt::format("{}: expected texts", name);
  for (const dom::element item : list) {
    if (item.get(text) != simdjson::SUCCESS) return fmt::format("{}: expected texts", name);
    if (std::string why = add(text); !why.empty()) return why;
  }
  return {};
}

std::string read_macs(dom::element value, std::string_view name, RelayRequest& request) {
  return each_text(value, name, [&](std::string_view text) -> std::string {
    const Result<MacAddress> mac = MacAddress::parse(text);
    if (!mac) return fmt::format("{}: {}", name, mac.error().doing);
    const bool is_new =
        std::find(request.macs.begin(), request.macs.end(), *mac) == request.macs.end();
    if (is_new) request.macs.push_back(*mac);
    return {};
  });
}

std::string read_broadcast(dom::element value, std::string_view name, RelayRequest& request) {
  return each_text(value, name, [&](std::string_view text) -> std::string {
    boost::system::error_code failed;
    const auto address = ip::make_address_v4(std::string(text), failed);
    if (failed) return fmt::format("{}: expected IPv4 addresses", name);
    request.broadcast.push_back(address);
    return {};
  });
}

std::string add_port(dom::element value, std::string_view name, RelayRequest& request) {
  std::uint64_t port = 0;
  if (value.get(port) != simdjson::SUCCESS || port < 1 || port > 65535) {
    return fmt::format("{}: expected numbers from 1 to 65535", name);
  }
  request.ports.push_back(static_cast<std::uint16_t>(port));
  return {};
}

std::string read_ports(dom::element value, std::string_view name, RelayRequest& request) {
  dom::array list;
  if (value.get(list) != simdjson::SUCCESS) return add_port(value, name, request);
  for (const dom::element item : list) {
    if (std::string why = add_port(item, name, request); !why.empty()) return why;
  }
  return {};
}

std::string read_secureon(dom::element value, RelayRequest& request) {
  std::string_view text;
  if (value.is_null()) return {};
  if (value.get(text) != simdjson::SUCCESS) return "secureon: expected a text";
  const Result<SecureOn> password = SecureOn::parse(text);
  if (!password) return "secureon: " + password.error().doing;
  request.secureon = *password;
  return {};
}

std::string read_member(std::string_view name, dom::element value, RelayRequest& request) {
  if (name == "mac" || name == "macs") return read_macs(value, name, request);
  if (name == "port" || name == "ports") return read_ports(value, name, request);
  if (name == "broadcast") return read_broadcast(value, name, request);
  if (name == "secureon") return read_secureon(value, request);
  return fmt::format("{}: no such member; there are macs, ports, broadcast and secureon",
                     for_log(name, 40));
}

}  // namespace

Result<RelayRequest> parse_relay_request(std::string_view body) {
  dom::parser parser;
  dom::element root;
  dom::object object;
  if (parser.parse(simdjson::padded_string(body)).get(root) != simdjson::SUCCESS) {
    return refused("the body is no JSON");
  }
  if (root.get(object) != simdjson::SUCCESS) return refused("the body is no JSON object");
  RelayRequest request;
  for (const dom::key_value_pair member : object) {
    if (std::string why = read_member(member.key, member.value, request); !why.empty()) {
      return refused(std::move(why));
    }
  }
  if (request.macs.empty()) return refused("macs: whom to wake is missing");
  if (request.macs.size() > kMacsMax) return refused(fmt::format("macs: {} at most", kMacsMax));
  if (request.ports.size() > kPortsMax) return refused(fmt::format("ports: {} at most", kPortsMax));
  if (request.broadcast.size() > kBroadcastMax) {
    return refused(fmt::format("broadcast: {} at most", kBroadcastMax));
  }
  return request;
}

}  // namespace rouse::suspendd
