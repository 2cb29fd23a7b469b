#include "proxy/cli/wake_target.hpp"

#include "proxy/cli/config_arguments.hpp"
#include "proxy/cli/wake_report.hpp"
#include "proxy/peers/peer_memory.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kMac = "02:00:00:00:00:01";
constexpr const char* kOther = "02:00:00:00:00:02";

class WakeTargetTest : public testing::Test {
 protected:
  /// @p wake: of the peer attic, in the configuration.
  WakeOptions options_for(const std::string& wake, const std::string& more = "") {
    WakeOptions options;
    options.peer = "attic";
    options.state_dir = dir_.path().string();
    options.sources.file = dir_.write(
        "config.yaml", "peers:\n  attic: {proxy: \"http://attic:8080\", models: [m], apiKey: its" +
                           (wake.empty() ? "" : ", wake: " + wake) + more + "}\n");
    return options;
  }
  WakeTarget find(const WakeOptions& options) {
    problems_.clear();
    return find_wake_target(options, problems_);
  }
  static std::vector<std::string> texts(const std::vector<MacAddress>& macs) {
    std::vector<std::string> list;
    for (const MacAddress& mac : macs) list.push_back(mac.text());
    return list;
  }
  static std::vector<std::string> names(const WakePlan& plan) {
    std::vector<std::string> list;
    for (const WakePath& path : single_paths(plan)) list.push_back(path.name);
    return list;
  }

  test::TempDir dir_;
  std::vector<std::string> problems_;
};

TEST_F(WakeTargetTest, IsWhatTheConfigurationSays) {
  const WakeTarget target =
      find(options_for("{mac: \"02:00:00:00:00:01\", port: 7, timeout: 40s}", ", probe: /up"));
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_EQ(target.name, "attic");
  EXPECT_EQ(target.url->host, "attic");
  EXPECT_EQ(target.key, "its");
  EXPECT_EQ(target.probe_path, "/up");
  EXPECT_THAT(texts(target.plan.macs), ElementsAre(kMac));
  EXPECT_THAT(target.plan.ports, ElementsAre(7));
  EXPECT_EQ(target.timeout, 40s);
  EXPECT_EQ(target.pause, 30s);
  EXPECT_FALSE(target.plan.raw);
}

TEST_F(WakeTargetTest, FlagsTakeItsPlace) {
  WakeOptions options = options_for("{mac: \"02:00:00:00:00:01\", port: 7, timeout: 40s}");
  options.flags.mac = {kOther};
  options.flags.port = {"9", "40000"};
  options.flags.unicast = {"192.0.2.1"};
  options.flags.raw = true;
  options.flags.timeout = "5s";
  options.flags.relay = "http://relay:9009";
  options.flags.relay_token = "token";
  options.url = "http://other:1";
  options.key = "mine";
  options.pause = "2s";
  const WakeTarget target = find(options);
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(texts(target.plan.macs), ElementsAre(kOther));
  EXPECT_THAT(target.plan.ports, ElementsAre(9, 40000));
  EXPECT_THAT(target.plan.unicast, SizeIs(1));
  EXPECT_TRUE(target.plan.raw);
  EXPECT_EQ(target.plan.relay->token, "token");
  EXPECT_EQ(target.timeout, 5s);
  EXPECT_EQ(target.url->host, "other");
  EXPECT_EQ(target.key, "mine");
  EXPECT_EQ(target.pause, 2s);
}

TEST_F(WakeTargetTest, CardsThatAreLearnedAreRemembered) {
  PeerMemory memory;
  memory.macs = {*MacAddress::parse(kMac), *MacAddress::parse(kOther)};
  ASSERT_TRUE(write_peer_memory(peer_memory_file(dir_.path(), "attic"), memory));
  EXPECT_THAT(texts(find(options_for("{}")).plan.macs), ElementsAre(kMac, kOther));
  EXPECT_THAT(texts(find(options_for("{mac: [auto, \"02:00:00:00:00:02\"]}")).plan.macs),
              ElementsAre(kOther, kMac));
  EXPECT_THAT(texts(find(options_for("{mac: \"02:00:00:00:00:02\"}")).plan.macs),
              ElementsAre(kOther))
      << "nothing is to be learned";
}

TEST_F(WakeTargetTest, WhatCannotBeDoneIsSaid) {
  const auto problem = [this](const WakeOptions& options) {
    find(options);
    return problems_.empty() ? std::string() : problems_.front();
  };
  EXPECT_THAT(problem(options_for("{}")), HasSubstr("no way to wake attic"));
  EXPECT_THAT(problem(options_for("")), HasSubstr("no way to wake attic"));
  WakeOptions wrong = options_for("{mac: \"02:00:00:00:00:01\"}");
  wrong.peer = "atic";
  EXPECT_THAT(problem(wrong), HasSubstr("did you mean \"attic\"?"));
  for (const char* const pause : {"999ms", "0s", "soon"}) {
    WakeOptions options = options_for("{mac: \"02:00:00:00:00:01\"}");
    options.pause = pause;
    EXPECT_THAT(problem(options), HasSubstr("is no pause")) << pause;
  }
  WakeOptions flags;
  EXPECT_THAT(problem(flags), HasSubstr("name a PEER"));
  flags.flags.mac = {kMac};
  EXPECT_EQ(problem(flags), "");
  flags.test = true;
  EXPECT_THAT(problem(flags), HasSubstr("a test wants a --url"));
  flags.url = "ftp://x";
  EXPECT_THAT(problem(flags), HasSubstr("ftp"));
  flags.url.clear();
  flags.flags.mac = {"x"};
  EXPECT_THAT(problem(flags), HasSubstr("mac"));
}

TEST_F(WakeTargetTest, EachPathOfAPlanIsAlone) {
  WakeOptions options = options_for(
      "{mac: \"02:00:00:00:00:01\", broadcast: 192.0.2.255, unicast: 192.0.2.1, raw: true, "
      "relay: {url: \"http://relay:9009\"}, http: {url: \"http://plug/on\"}, command: wake-it "
      "now}");
  const WakePlan plan = find(options).plan;
  ASSERT_THAT(problems_, IsEmpty());
  EXPECT_THAT(names(plan), ElementsAre("broadcast to 192.0.2.255", "unicast to 192.0.2.1",
                                       "raw, ethertype 0x0842", "relay relay:9009", "http plug:80",
                                       "command wake-it"));
  for (const WakePath& path : single_paths(plan)) {
    const WakePlan& one = path.plan;
    const int ways = (one.broadcasts ? 1 : 0) + (one.unicast.empty() ? 0 : 1) + (one.raw ? 1 : 0) +
                     (one.relay ? 1 : 0) + (one.hook ? 1 : 0) + (one.command.empty() ? 0 : 1);
    EXPECT_EQ(ways, 1) << path.name;
  }
  WakePlan without_cards = plan;
  without_cards.macs.clear();
  EXPECT_THAT(names(without_cards), ElementsAre("http plug:80", "command wake-it"));
  WakePlan by_interface;
  by_interface.macs = plan.macs;
  by_interface.interface = "eth9";
  EXPECT_THAT(names(by_interface), ElementsAre("broadcast on eth9"));
}

// --- what is said of it --------------------------------------------------------------------------

WakeResult sent(bool ok, int code = 0) {
  return {"broadcast", "192.0.2.255:9", kMac, ok, code, ok ? "sent" : "Network is unreachable"};
}

std::string said(bool json, const std::function<void(WakeReport&)>& use) {
  testing::internal::CaptureStdout();
  WakeReport report(json);
  use(report);
  return testing::internal::GetCapturedStdout();
}

TEST(WakeReport, TellsOfAPathWhenThatIsNew) {
  EXPECT_EQ(said(false,
                 [](WakeReport& report) {
                   report.told(sent(true));
                   report.told(sent(true));
                   report.told(sent(false, 101));
                   EXPECT_FALSE(report.any_sent());
                   report.told(sent(true));
                   EXPECT_TRUE(report.any_sent());
                 }),
            "  broadcast 192.0.2.255:9 for 02:00:00:00:00:01: sent\n"
            "  FAILED broadcast 192.0.2.255:9 for 02:00:00:00:00:01: Network is unreachable\n"
            "  broadcast 192.0.2.255:9 for 02:00:00:00:00:01: sent\n");
}

TEST(WakeReport, EndsWithWhatCameOfIt) {
  const auto end = [](WakeReport::End what, bool ok = true) {
    what.name = "attic";
    what.answer = "it answers 200";
    const std::string all = said(false, [&](WakeReport& report) {
      report.count_volley();
      report.told(sent(ok, ok ? 0 : 101));
      report.finish(what);
    });
    return all.substr(all.find('\n') + 1);
  };
  WakeReport::End what;
  EXPECT_THAT(end(what), HasSubstr("sent 1 volley; with a --url"));
  EXPECT_THAT(end(what, false), HasSubstr("nothing could be sent"));
  what.awake = false;
  what.took = 1500ms;
  EXPECT_THAT(end(what), HasSubstr("attic has not answered within 2 s, after 1 volley; at last: "));
  what.awake = true;
  EXPECT_EQ(end(what), "attic is awake after 1.5 s and 1 volley: it answers 200\n");
  what.is_test = true;
  what.woken_by = "raw";
  EXPECT_EQ(end(what), "attic was woken by: raw\n");
  what.not_tried = {"a", "b"};
  EXPECT_THAT(end(what), HasSubstr("not tried, as it is awake now: a, b"));
  what.already = true;
  EXPECT_THAT(end(what), HasSubstr("a test wants it asleep"));
  what.is_test = false;
  EXPECT_EQ(end(what), "attic is awake already: it answers 200\n");
}

TEST(WakeReport, IsOneObjectForAScript) {
  const std::string all = said(true, [](WakeReport& report) {
    report.say("waking attic");
    report.told(sent(true));
    report.told(sent(true));
    WakeReport::End what;
    what.name = "attic";
    what.took = 1500ms;
    report.finish(what);
  });
  EXPECT_THAT(all, testing::StartsWith(R"({"machine":"attic","awake":null,"already":false,)"
                                       R"("seconds":1.500,"volleys":0,"answer":"","paths":[)"));
  EXPECT_THAT(all, HasSubstr(R"({"times":2,"last":{"path":"broadcast")"));
  EXPECT_THAT(all, Not(HasSubstr("waking")));
}

// --- folders -------------------------------------------------------------------------------------

TEST(StateDir, IsSystemdsOrTheUsersOwn) {
  const auto keep = [](const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::optional<std::string>() : std::optional<std::string>(value);
  };
  const auto set = [](const char* name, const std::optional<std::string>& value) {
    value ? ::setenv(name, value->c_str(), 1) : ::unsetenv(name);
  };
  constexpr std::array<const char*, 3> kNames{"STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"};
  std::array<std::optional<std::string>, 3> before;
  for (std::size_t i = 0; i < kNames.size(); ++i) before[i] = keep(kNames[i]);
  const auto with = [&](const char* state, const char* xdg, const char* home) {
    set("STATE_DIRECTORY", state == nullptr ? std::nullopt : std::optional<std::string>(state));
    set("XDG_STATE_HOME", xdg == nullptr ? std::nullopt : std::optional<std::string>(xdg));
    set("HOME", home == nullptr ? std::nullopt : std::optional<std::string>(home));
    return default_state_dir();
  };
  EXPECT_EQ(with("/var/lib/rouse", "/x", "/h"), "/var/lib/rouse");
  EXPECT_EQ(with(nullptr, "/x", "/h"), "/x/rouse");
  EXPECT_EQ(with(nullptr, nullptr, "/h"), "/h/.local/state/rouse");
  EXPECT_EQ(with(nullptr, nullptr, nullptr), "/var/lib/rouse");
  for (std::size_t i = 0; i < kNames.size(); ++i) set(kNames[i], before[i]);
}

}  // namespace
}  // namespace rouse
