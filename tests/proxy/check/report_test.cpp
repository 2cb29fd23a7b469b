#include "proxy/check/report.hpp"

#include "base/text/rfc3339.hpp"

#include <gmock/gmock.h>
#include <simdjson.h>

namespace rouse {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kMatrix =
    "models:\n  a: {cmd: \"x ${PORT}\", aliases: [gpt, claude]}\n"
    "  longer: {cmd: \"x ${PORT}\", ttl: 90, unlisted: true, concurrencyLimit: 4}\n"
    "  e: {cmd: x, proxy: \"unix:/run/e.sock\"}\n"
    "matrix: {sets: {s: (a | longer) & e}}\nlogRequests: true\n";

TEST(CheckReport, IsALignedPlan) {
  const LoadedConfig loaded = parse_config(kMatrix, "c.yaml");
  ASSERT_NE(loaded.config, nullptr);
  EXPECT_EQ(
      check_report(loaded),
      "3 models\n"
      "  model   address           at once  unloads after  also\n"
      "  a       localhost:5800    10       -              gpt, claude\n"
      "  e       unix:/run/e.sock  10       -\n"
      "  longer  localhost:5801    4        1m30s          (unlisted)\n"
      "\n"
      "sets\n"
      "  s\n"
      "    a + e\n"
      "    e + longer\n"
      "  what evicts at the least cost is chosen; of equals what loads soonest, then what was not\n"
      "  used for longest, then the first\n"
      "\n"
      "who can stand beside whom\n"
      "  a       e\n"
      "  e       a, longer\n"
      "  longer  e\n"
      "\n"
      "accepted, but without effect in this version\n"
      "  logRequests\n");
}

TEST(CheckReport, SaysWhoIsAloneAndWhatGroupsDo) {
  const LoadedConfig loaded = parse_config(
      "models: {a: {cmd: \"x ${PORT}\"}, b: {cmd: \"x ${PORT}\"}, k: {cmd: \"x ${PORT}\"}}\n"
      "groups: {keep: {swap: false, exclusive: false, persistent: true, members: [k]}}\n",
      "c.yaml");
  ASSERT_NE(loaded.config, nullptr);
  const std::string report = check_report(loaded);
  EXPECT_THAT(report, HasSubstr("groups\n"
                                "  keep       all at once; is not stopped by others  k\n"
                                "  (default)  one at a time; stops other groups      a, b\n"));
  EXPECT_THAT(report, HasSubstr("  a  k\n  b  k\n  k  a, b\n"));
  EXPECT_THAT(report, Not(HasSubstr("without effect")));
}

TEST(CheckReport, OfNothingIsShort) {
  EXPECT_EQ(check_report(parse_config("", "c.yaml")), "0 models\n");
}

constexpr const char* kFront =
    "models: {}\n"
    "selectors: {any: {strategy: spillover, targets: [attic/huge, cloud/gpt], settings: "
    "{spillover: "
    "2}}}\n"
    "profiles: {night: {pins: {huge: any, gpt-4: \"\"}}}\n"
    "peers:\n"
    "  cloud: {proxy: \"https://api.example.com\", apiKey: hidden-1, models: [gpt]}\n"
    "  attic:\n"
    "    proxy: http://192.168.1.20:8080\n"
    "    models: [huge, small, auto]\n"
    "    wake:\n"
    "      mac: [3c:7c:3f:12:34:56, auto]\n"
    "      unicast: 192.168.1.20\n"
    "      relay: {url: \"http://192.168.1.2:9009\", token: hidden-2}\n"
    "      http: {url: \"http://bmc/hidden-3?t=hidden-4\"}\n"
    "      command: ipmi --password hidden-5\n"
    "      quietHours: 23:00-07:00\n"
    "  barn: {proxy: \"http://192.168.1.21\", wake: {}}\n"
    "apiKeys: [hidden-6, hidden-7]\n"
    "keys:\n"
    "  ci: {sha256: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, scopes: "
    "[infer, "
    "wake], models: [\"huge*\"], maxInFlight: 2, requestsPerMinute: 60, expires: 2026-06-30}\n"
    "power: {socket: /run/p.sock, users: [alice], groups: [wheel], onWake: [last]}\n";

TEST(CheckReport, OfAFrontNamesAllThatItHas) {
  const LoadedConfig loaded = parse_config(kFront, "c.yaml");
  ASSERT_NE(loaded.config, nullptr) << loaded.problems.front().str();
  EXPECT_EQ(check_report(loaded, *parse_rfc3339("2026-12-01T00:00:00Z")),
            R"(0 models here, 3 at 3 peers, and what attic and barn list

peers
  peer   address              models                          woken by
  cloud  api.example.com:443  gpt                             nobody: it never sleeps
  attic  192.168.1.20:8080    huge, small, and what it lists  magic packets to 3c:7c:3f:12:34:56, those that it names by broadcast, unicast to 192.168.1.20, the relay at 192.168.1.2:9009
                                                              POST to bmc:80
                                                              the command ipmi
                                                              but not in its quiet hours
  barn   192.168.1.21:80      what it lists                   magic packets to the cards that its rouse names by broadcast

selectors
  selector  strategy                  targets
  any       spillover (above 2 each)  attic/huge, cloud/gpt

profiles
  night  gpt-4 is disabled, huge -> any

keys
  key                  may                                      models  limits                      until
  apiKeys (2 of them)  infer, observe, control, wake, captures  *       -                           -
  ci                   infer, wake                              huge*   2 at once, 60 requests/min  2026-06-30, EXPIRED

power
  socket                /run/p.sock
  who may use it        root, rouse's own user, rouse-suspendd, alice, group wheel
  loaded after a sleep  what was loaded before it
)");
}

TEST(CheckReport, ShowsNoSecret) {
  const LoadedConfig loaded = parse_config(kFront, "c.yaml");
  ASSERT_NE(loaded.config, nullptr);
  for (const std::string& text : {check_report(loaded), check_report_json(loaded)}) {
    EXPECT_THAT(text, Not(HasSubstr("hidden")));
    EXPECT_THAT(text, Not(HasSubstr("aaaaaaaa")));
  }
}

TEST(CheckReport, OfWhatIsNotLookedUpSaysSo) {
  const LoadedConfig loaded = parse_config(
      "models: {a: {cmd: \"${env.NOPE}\"}}\npeers: {p: {proxy: \"${env.NOPE}\", models: [x]}}\n",
      "c.yaml", false);
  ASSERT_NE(loaded.config, nullptr);
  EXPECT_EQ(check_report(loaded),
            "1 model here, 1 at 1 peer\n"
            "  model  address  at once  unloads after  also\n"
            "  a      ?        10       -\n"
            "\n"
            "groups\n"
            "  (default)  one at a time; stops other groups  a\n"
            "\n"
            "peers\n"
            "  peer  address  models  woken by\n"
            "  p     ?        x       nobody: it never sleeps\n");
}

TEST(CheckReport, ManyAlternativesAreCutShort) {
  std::string text = "models:\n";
  std::string set;
  for (int i = 0; i < 60; ++i) {
    text += "  m" + std::to_string(i) + ": {cmd: \"x ${PORT}\"}\n";
    set += (i == 0 ? "" : " | ") + ("m" + std::to_string(i));
  }
  const LoadedConfig loaded = parse_config(text + "matrix: {sets: {s: " + set + "}}\n", "c.yaml");
  ASSERT_NE(loaded.config, nullptr);
  EXPECT_THAT(check_report(loaded), HasSubstr("    m23\n    … and more\n"));
  EXPECT_THAT(check_report_json(loaded), HasSubstr(R"("more":true)"));
}

TEST(CheckReport, TellsOfTokensAndOfFramesWithoutIp) {
  const LoadedConfig loaded = parse_config(
      "keys: {ci: {sha256: " + std::string(64, 'a') + ", tokensPerMinute: 4000}}\n" +
          "peers: {p: {proxy: \"http://10.0.0.2:1\", wake: {mac: 3c:7c:3f:12:34:56, raw: true}}}\n",
      "c.yaml");
  ASSERT_NE(loaded.config, nullptr);
  EXPECT_THAT(check_report(loaded), HasSubstr("  4000 tokens/min  "));
  EXPECT_THAT(check_report(loaded), HasSubstr("by broadcast, frames without IP\n"));
}

TEST(CheckReportJson, HoldsThePlan) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const std::string json = check_report_json(parse_config(kMatrix, "c.yaml"));
  ASSERT_EQ(parser.parse(json).get(root), simdjson::SUCCESS) << json;
  const auto at = [&](const char* pointer) {
    return simdjson::minify(root.at_pointer(pointer).value());
  };
  EXPECT_EQ(at("/ok"), "true");
  EXPECT_EQ(at("/models/0/port"), "5800");
  EXPECT_EQ(at("/models/0/aliases"), R"(["gpt","claude"])");
  EXPECT_EQ(at("/models/1/port"), "null");
  EXPECT_EQ(at("/models/1/beside"), R"(["a","longer"])");
  EXPECT_EQ(at("/sets/0/alternatives"), R"([["a","e"],["e","longer"]])");
  EXPECT_EQ(at("/sets/0/more"), "false");
  EXPECT_EQ(at("/unsupported"), R"(["logRequests"])");
  EXPECT_EQ(at("/problems"), "[]");
}

TEST(CheckReportJson, HoldsTheRest) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const std::string json = check_report_json(
      parse_config(kFront, "c.yaml"),
      {{Finding::Severity::Refuse, {"c.yaml", 3, 4}, "keys", "are odd", "mend them"}},
      *parse_rfc3339("2026-12-01T00:00:00Z"));
  ASSERT_EQ(parser.parse(json).get(root), simdjson::SUCCESS) << json;
  const auto at = [&](const char* pointer) {
    return simdjson::minify(root.at_pointer(pointer).value());
  };
  EXPECT_EQ(at("/peers/0"), R"({"name":"cloud","address":"api.example.com:443","models":["gpt"],)"
                            R"("learnsModels":false,"wake":null})");
  EXPECT_EQ(at("/peers/1/wake/macs"), R"(["3c:7c:3f:12:34:56"])");
  EXPECT_EQ(at("/peers/1/wake/relay"), R"("192.168.1.2:9009")");
  EXPECT_EQ(at("/peers/2/wake/learnsMacs"), "true");
  EXPECT_EQ(at("/selectors/0"), R"({"name":"any","strategy":"spillover","targets":["attic/huge",)"
                                R"("cloud/gpt"],"unlisted":false})");
  EXPECT_EQ(at("/profiles/0/pins"), R"({"gpt-4":null,"huge":"any"})");
  EXPECT_EQ(at("/keys/1"), R"({"name":"ci","count":1,"scopes":["infer","wake"],"models":["huge*"],)"
                           R"("maxInFlight":2,"requestsPerMinute":60,"tokensPerMinute":0,)"
                           R"("expires":"2026-06-30","expired":true})");
  EXPECT_EQ(at("/power"), R"({"socket":"/run/p.sock","users":["alice"],"groups":["wheel"],)"
                          R"("onWake":[],"onWakeLast":true})");
  EXPECT_EQ(at("/hooks"), R"({"preload":[]})");
  EXPECT_EQ(at("/findings"), R"([{"severity":"refuse","title":"keys","what":"are odd",)"
                             R"("todo":"mend them","file":"c.yaml","line":3,"column":4}])");
}

TEST(CheckReportJson, OfErrorsHoldsTheProblems) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.parse(check_report_json(parse_config("startPort: x\n", "c.yaml"))).get(root),
            simdjson::SUCCESS);
  EXPECT_EQ(simdjson::minify(root.at_pointer("/ok").value()), "false");
  EXPECT_EQ(simdjson::minify(root.at_pointer("/problems/0").value()),
            R"({"severity":"error","file":"c.yaml","line":1,"column":12,"path":"startPort",)"
            R"("text":"expected a whole number from 1 to 65535, got \"x\""})");
}

}  // namespace
}  // namespace rouse
