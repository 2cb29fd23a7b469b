#include "proxy/config/config.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <sstream>

namespace rouse {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// A peer whose section wake is @p wake, indented as a block of it.
LoadedConfig with_wake(const std::string& wake) {
  std::string text =
      "models: {}\npeers:\n  box:\n    proxy: http://10.0.0.2:8080\n    models: [big]\n    wake:\n";
  std::istringstream lines(wake);
  for (std::string line; std::getline(lines, line);) text += "      " + line + "\n";
  return parse_config(text, "c.yaml");
}

std::vector<std::string> problems_of(const LoadedConfig& loaded) {
  std::vector<std::string> texts;
  for (const Problem& problem : loaded.problems) texts.push_back(problem.str());
  return texts;
}

WakeConfig read(const std::string& wake) {
  const LoadedConfig loaded = with_wake(wake);
  EXPECT_THAT(problems_of(loaded), IsEmpty());
  if (!loaded.config) return {};
  const std::optional<WakeConfig>& read = loaded.config->peers.at("box").wake;
  EXPECT_TRUE(read.has_value());
  return read.value_or(WakeConfig{});
}

MacAddress mac(const std::string& text) {
  return *MacAddress::parse(text);
}

TEST(ReadWake, APeerWithoutTheKeyNeverSleeps) {
  const LoadedConfig loaded = parse_config(
      "models: {}\npeers: {box: {proxy: \"http://10.0.0.2:1\", models: [a]}}", "c.yaml");
  ASSERT_TRUE(loaded.config);
  EXPECT_FALSE(loaded.config->peers.at("box").wake.has_value());
}

TEST(ReadWake, DefaultsLearnTheAddressesAndUsePort9) {
  const WakeConfig wake = read("timeout: 2m");
  EXPECT_TRUE(wake.learns_macs);
  EXPECT_THAT(wake.plan.macs, IsEmpty());
  EXPECT_THAT(wake.plan.ports, ElementsAre(9));
  EXPECT_THAT(wake.plan.broadcast, IsEmpty());
  EXPECT_FALSE(wake.plan.raw);
  EXPECT_EQ(wake.timeout, std::chrono::minutes(2));
  EXPECT_EQ(wake.plan.command_timeout, std::chrono::seconds(30));
  EXPECT_FALSE(wake.plan.has_path());
}

TEST(ReadWake, EveryKeyArrives) {
  const WakeConfig wake = read(R"(mac: [3c:7c:3f:12:34:56, auto, 3C-7C-3F-12-34-57]
broadcast: [192.168.1.255, 10.0.0.255]
port: [9, 7]
interface: eth1
source: 192.168.1.7
secureon: 192.168.1.2
raw: true
unicast: [192.168.1.20, "fd00::20"]
relay: {url: "http://192.168.1.2:9009/", token: abc}
http:
  method: PUT
  url: https://home.lan/on/?who=a%20b
  headers: {Authorization: Bearer x, X-Two: 2}
  body: now
command: ipmitool -P 'a b' power on
commandTimeout: 5s
timeout: 90s)");
  EXPECT_TRUE(wake.learns_macs);
  EXPECT_THAT(wake.plan.macs, ElementsAre(mac("3c7c3f123456"), mac("3c7c3f123457")));
  ASSERT_EQ(wake.plan.broadcast.size(), 2u);
  EXPECT_EQ(wake.plan.broadcast[1].to_string(), "10.0.0.255");
  EXPECT_THAT(wake.plan.ports, ElementsAre(9, 7));
  EXPECT_EQ(wake.plan.interface, "eth1");
  ASSERT_TRUE(wake.plan.source);
  EXPECT_EQ(wake.plan.source->to_string(), "192.168.1.7");
  ASSERT_TRUE(wake.plan.secureon);
  EXPECT_EQ(wake.plan.secureon->size, 4u);
  EXPECT_TRUE(wake.plan.raw);
  ASSERT_EQ(wake.plan.unicast.size(), 2u);
  EXPECT_EQ(wake.plan.unicast[1].to_string(), "fd00::20");
  ASSERT_TRUE(wake.plan.relay);
  EXPECT_EQ(wake.plan.relay->url.authority(), "192.168.1.2:9009");
  EXPECT_EQ(wake.plan.relay->token, "abc");
  ASSERT_TRUE(wake.plan.hook);
  EXPECT_EQ(wake.plan.hook->method, "PUT");
  EXPECT_TRUE(wake.plan.hook->url.tls);
  EXPECT_EQ(wake.plan.hook->target, "/on/?who=a%20b");
  EXPECT_EQ(wake.plan.hook->headers.find("x-two"), "2");
  EXPECT_EQ(wake.plan.hook->body, "now");
  EXPECT_THAT(wake.plan.command, ElementsAre("ipmitool", "-P", "a b", "power", "on"));
  EXPECT_EQ(wake.plan.command_timeout, std::chrono::seconds(5));
  EXPECT_EQ(wake.timeout, std::chrono::seconds(90));
}

TEST(ReadWake, OneAddressIsEnoughAndThenNothingIsLearned) {
  const WakeConfig wake = read("mac: 3c:7c:3f:12:34:56");
  EXPECT_FALSE(wake.learns_macs);
  EXPECT_THAT(wake.plan.macs, ElementsAre(mac("3c7c3f123456")));
  EXPECT_TRUE(wake.plan.has_path());
}

TEST(ReadWake, AHookAtAUnixSocketOrWithoutAPathAsksForTheRoot) {
  EXPECT_EQ(read("http: {url: \"unix:/run/x.sock\"}").plan.hook->target, "/");
  EXPECT_EQ(read("http: {url: \"http://a.lan\"}").plan.hook->target, "/");
  EXPECT_EQ(read("http: {url: \"http://a.lan?on=1\"}").plan.hook->target, "/?on=1");
}

TEST(ReadWake, ACommandMayBeAList) {
  EXPECT_THAT(read("command: [wake, \"a b\"]").plan.command, ElementsAre("wake", "a b"));
}

struct Fault {
  const char* name;
  const char* wake;
  const char* problem;
};

class ReadWakeFault : public testing::TestWithParam<Fault> {};

TEST_P(ReadWakeFault, IsToldWithItsPlace) {
  const LoadedConfig loaded = with_wake(GetParam().wake);
  EXPECT_THAT(problems_of(loaded), ElementsAre(HasSubstr(GetParam().problem)));
}

INSTANTIATE_TEST_SUITE_P(
    All, ReadWakeFault,
    testing::Values(
        Fault{"ShortMac", "mac: 3c:7c:3f:12:34",
              "c.yaml:7:12: peers.box.wake.mac: \"3c:7c:3f:12:34\" is no MAC address"},
        Fault{"MacInAList", "mac: [auto, nothing]", "c.yaml:7:19: peers.box.wake.mac[1]: \"noth"},
        Fault{"GroupMac", "mac: ff:ff:ff:ff:ff:ff", "is the address of a group"},
        Fault{"MacTwice", "mac: [3c7c3f123456, 3C:7C:3F:12:34:56]",
              "wake.mac[1]: 3c:7c:3f:12:34:56 is there twice"},
        Fault{"NoMac", "mac: []", "wake.mac: is an empty list"},
        Fault{"Broadcast", "broadcast: fe80::1", "wake.broadcast: \"fe80::1\" is no IPv4 address"},
        Fault{"Port", "port: [9, 70000]", "wake.port[1]: expected a port from 1 to 65535"},
        Fault{"PortZero", "port: 0", "wake.port: expected a port from 1 to 65535, got \"0\""},
        Fault{"NoPort", "port: []", "wake.port: is an empty list"},
        Fault{"Interface", "interface: a-very-long-name",
              "wake.interface: \"a-very-long-name\" is"},
        Fault{"Source", "source: eth0", "wake.source: \"eth0\" is no IPv4 address of this"},
        Fault{"AnySource", "source: 0.0.0.0", "wake.source: \"0.0.0.0\" is no IPv4 address"},
        Fault{"Unicast", "unicast: box.lan", "wake.unicast: \"box.lan\" is no address; a name"},
        Fault{"Raw", "raw: maybe", "wake.raw: expected true or false"},
        Fault{"RelayUrl", "relay: {token: x}", "wake.relay.url: a relay needs a url"},
        Fault{"RelayScheme", "relay: {url: relay.lan}", "must begin with http://"},
        Fault{"RelayToken", "relay: {url: \"http://a\", token: a b}",
              "wake.relay.token: has a blank in it"},
        Fault{"HookUrl", "http: {method: GET}", "wake.http.url: a request needs a url"},
        Fault{"HookMethod", "http: {url: \"http://a\", method: G T}", "wake.http.method: is no"},
        Fault{"HookLength", "http: {url: \"http://a\", headers: {Content-Length: 3}}",
              "wake.http.headers.Content-Length: is made by rouse itself"},
        Fault{"HookHeader", "http: {url: \"http://a\", headers: {\"a b\": 3}}",
              "wake.http.headers.a b: is no name of a header"},
        Fault{"Command", "command: []", "wake.command: names no program"},
        Fault{"CommandTimeout", "commandTimeout: 10ms", "wake.commandTimeout: must be a second"},
        Fault{"Timeout", "timeout: 0", "wake.timeout: must be a second at least"},
        Fault{"Unknown", "sercureon: x", "did you mean \"secureon\"?"}),
    [](const auto& info) { return info.param.name; });

TEST(ReadWake, AllFaultsAreToldAtOnce) {
  const LoadedConfig loaded = with_wake("mac: x\nport: y\nsource: z\ntimeout: 1ms");
  EXPECT_EQ(loaded.problems.size(), 4u);
  EXPECT_FALSE(loaded.config);
}

TEST(ReadWake, NoSecretIsShown) {
  for (const char* wake :
       {"secureon: hush-hush", "secureon: {hush: 1}", "relay: {url: \"http://a\", token: hush me}",
        "http: {url: \"hush://a\"}", "http: {url: \"http://a b/hush\"}",
        "http: {url: \"http://a/?hush me\"}", "http: {url: \"http://a/\\\"hush\\\" b\"}",
        "http: {url: \"http://a\", headers: {X: [hush]}}",
        "http: {url: \"http://a\", headers: hush}",
        "http: {url: \"http://a\", headers: {X: \"hush\\nhush\"}}",
        "http: {url: \"http://a\", body: [hush]}"}) {
    const LoadedConfig loaded = with_wake(wake);
    EXPECT_EQ(loaded.problems.size(), 1u) << wake;
    EXPECT_THAT(problems_of(loaded), Not(Contains(HasSubstr("hush")))) << wake;
  }
}

}  // namespace
}  // namespace rouse
