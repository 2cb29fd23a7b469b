#include "base/http/message.hpp"
#include "proxy/config/command_line.hpp"
#include "proxy/config/reader.hpp"
#include "proxy/config/wake.hpp"

#include <fmt/format.h>

#include <net/if.h>

#include <algorithm>
#include <charconv>

namespace rouse {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kTimeoutLeast{1'000};

void read_macs(const Section& section, WakeConfig& wake) {
  const std::vector<ListItem> items = section.items("mac");
  wake.learns_macs = !section.is_given("mac");
  if (items.empty() && !wake.learns_macs) {
    section.fault("mac", "is an empty list: it wants addresses, or auto");
  }
  for (const ListItem& item : items) {
    if (item.text == "auto") {
      wake.learns_macs = true;
      continue;
    }
    const Result<MacAddress> mac = MacAddress::parse(item.text);
    if (!mac) {
      section.fault_at(item, mac.error().doing);
    } else if (std::find(wake.plan.macs.begin(), wake.plan.macs.end(), *mac) !=
               wake.plan.macs.end()) {
      section.fault_at(item, mac->text() + " is there twice");
    } else {
      wake.plan.macs.push_back(*mac);
    }
  }
}

void read_ports(const Section& section, WakePlan& plan) {
  if (!section.is_given("port")) return;
  plan.ports.clear();
  for (const ListItem& item : section.items("port")) {
    std::uint16_t port = 0;
    const char* const end = item.text.data() + item.text.size();
    const auto [last, error] = std::from_chars(item.text.data(), end, port);
    if (error != std::errc{} || last != end || port == 0) {
      section.fault_at(item, fmt::format("expected a port from 1 to 65535, got \"{}\"", item.text));
    } else {
      plan.ports.push_back(port);
    }
  }
  if (section.items("port").empty()) section.fault("port", "is an empty list: 9 is usual");
}

std::optional<asio::ip::address_v4> ipv4(const std::string& text) {
  boost::system::error_code failed;
  const auto address = asio::ip::make_address_v4(text, failed);
  if (failed) return std::nullopt;
  return address;
}

void read_addresses(const Section& section, WakePlan& plan) {
  for (const ListItem& item : section.items("broadcast")) {
    if (const auto address = ipv4(item.text)) {
      plan.broadcast.push_back(*address);
    } else {
      section.fault_at(
          item, fmt::format("\"{}\" is no IPv4 address: the machine's network ends with one, such "
                            "as 192.168.1.255",
                            item.text));
    }
  }
  for (const ListItem& item : section.items("unicast")) {
    boost::system::error_code failed;
    const auto address = asio::ip::make_address(item.text, failed);
    if (!failed) {
      plan.unicast.push_back(address);
    } else {
      section.fault_at(item,
                       fmt::format("\"{}\" is no address; a name is not looked up for a packet "
                                   "that cannot wait: give its address",
                                   item.text));
    }
  }
}

void read_way_out(const Section& section, WakePlan& plan) {
  plan.interface = section.text("interface");
  const bool is_name = plan.interface.size() < IFNAMSIZ && plan.interface != "." &&
                       plan.interface.find_first_of("/ :\t") == std::string::npos;
  if (!is_name) {
    section.fault("interface", fmt::format("\"{}\" is no interface's name, such as eth0 (see \"ip "
                                           "link\")",
                                           plan.interface));
  }
  const std::string source = section.text("source");
  if (source.empty()) return;
  plan.source = ipv4(source);
  if (!plan.source || plan.source->is_unspecified()) {
    section.fault("source", fmt::format("\"{}\" is no IPv4 address of this machine", source));
  }
}

void read_secureon(const Section& section, WakePlan& plan) {
  const std::string text = section.text("secureon");
  if (text.empty()) return;
  const Result<SecureOn> password = SecureOn::parse(text);
  if (password) {
    plan.secureon = *password;
  } else {
    section.fault("secureon", password.error().doing);
  }
}

/// What Endpoint::parse() says of @p text, without showing it: an address may hold a token.
std::string without_its_text(std::string message, std::string_view text) {
  const std::string shown = fmt::format("endpoint \"{}\" ", text.substr(0, 200));
  return message.starts_with(shown) ? message.substr(shown.size()) : "is no address of a server";
}

void read_relay(const Section& section, WakePlan& plan) {
  WakeRelay relay;
  relay.token = section.text("token");
  const std::string url = section.text("url");
  if (url.empty())
    return section.fault("url", "a relay needs a url, such as http://192.168.1.2:9009");
  const Result<Endpoint> endpoint = Endpoint::parse(url);
  if (!endpoint) return section.fault("url", endpoint.error().doing);
  if (relay.token.find_first_of(" \t\r\n") != std::string::npos) {
    section.fault("token", "has a blank in it");
  }
  relay.url = *endpoint;
  plan.relay = std::move(relay);
}

void read_headers(const Section& section, WakeHook& hook) {
  section.each("headers", [&](const YamlNode::Member& member, const Section&) {
    const std::string key = "headers." + member.key;
    const bool is_ours = equal_without_case(member.key, "content-length") ||
                         equal_without_case(member.key, "transfer-encoding") ||
                         equal_without_case(member.key, "connection");
    if (!is_token(member.key)) {
      section.fault_at(member.place, key, "is no name of a header");
    } else if (is_ours) {
      section.fault_at(member.place, key, "is made by rouse itself");
    } else if (member.value.text.find_first_of("\r\n") != std::string::npos) {
      section.fault_at(member.value.place, key, "has a line break in it");
    } else {
      hook.headers.add(member.key, member.value.text);
    }
  });
}

void read_hook(const Section& section, WakePlan& plan) {
  WakeHook hook;
  hook.method = section.text("method", hook.method);
  if (!is_token(hook.method)) section.fault("method", "is no method, such as POST");
  hook.body = section.text("body");
  read_headers(section, hook);
  const std::string url = section.text("url");
  if (url.empty()) return section.fault("url", "a request needs a url");
  const std::size_t query = url.find('?');
  const std::string place = url.substr(0, query);
  const Result<Endpoint> endpoint = Endpoint::parse(place);
  if (!endpoint) return section.fault("url", without_its_text(endpoint.error().doing, place));
  const std::string rest = query == std::string::npos ? std::string() : url.substr(query);
  const bool is_clean =
      std::all_of(rest.begin(), rest.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
  if (!is_clean) return section.fault("url", "has a blank, a # or a letter to escape in its query");
  hook.url = *endpoint;
  // As it is written: what answers may tell /wake/ from /wake.
  const std::size_t path = place.find('/', place.find("://") + 3);
  const bool has_path = endpoint->unix_path.empty() && path != std::string::npos;
  hook.target = (has_path ? place.substr(path) : "/") + rest;
  plan.hook = std::move(hook);
}

void read_command(const Section& section, WakePlan& plan) {
  const YamlNode* const node = section.node("command");
  if (node == nullptr || (node->is_scalar() && node->text.empty())) return;
  plan.command = node->is_scalar() ? split_command(without_comment_lines(node->text))
                                   : section.texts("command");
  if (plan.command.empty() || plan.command.front().empty()) {
    section.fault("command", "names no program");
  }
}

}  // namespace

WakeConfig read_wake(const Section& section) {
  WakeConfig wake;
  read_macs(section, wake);
  read_ports(section, wake.plan);
  read_addresses(section, wake.plan);
  read_way_out(section, wake.plan);
  read_secureon(section, wake.plan);
  wake.plan.raw = section.truth("raw", false);
  if (section.is_given("relay")) read_relay(section.section("relay"), wake.plan);
  if (section.is_given("http")) read_hook(section.section("http"), wake.plan);
  read_command(section, wake.plan);
  wake.plan.command_timeout = section.duration("commandTimeout", wake.plan.command_timeout);
  wake.timeout = section.duration("timeout", wake.timeout);
  wake.debounce = section.duration("debounce", wake.debounce);
  for (const ListItem& item : section.items("quietHours")) {
    if (const auto span = parse_span(item.text)) {
      wake.quiet_hours.push_back(*span);
    } else {
      section.fault_at(item, "expected times such as 23:00-07:00 or sat,sun 00:00-09:00");
    }
  }
  for (const auto& [key, value] : {std::pair("commandTimeout", wake.plan.command_timeout),
                                   std::pair("timeout", wake.timeout)}) {
    if (value < kTimeoutLeast) section.fault(key, "must be a second at least");
  }
  return wake;
}

}  // namespace rouse
