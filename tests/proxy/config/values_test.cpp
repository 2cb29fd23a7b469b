// What becomes of what a file says: bounds, defaults, and names that belong together.
#include "core/swap/groups.hpp"
#include "proxy/config/config.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::shared_ptr<const Config> good(const std::string& text) {
  const LoadedConfig loaded = parse_config(text, "c.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
  EXPECT_NE(loaded.config, nullptr);
  return loaded.config ? loaded.config : std::make_shared<Config>();
}

/// The first problem; empty: there is none.
std::string fault(const std::string& text) {
  const LoadedConfig loaded = parse_config(text, "c.yaml");
  return loaded.problems.empty() ? std::string() : loaded.problems.front().str();
}

std::string model(const std::string& lines) {
  return "models: {a: {cmd: \"x ${PORT}\", " + lines + "}}\n";
}

TEST(ConfigValues, OfTheTopHaveTheirBounds) {
  EXPECT_EQ(good("metricsMaxInMemory: 0\n")->metrics_max_in_memory, 1000);
  EXPECT_THAT(fault("waiting: {keepAlive: 9ms}\n"), HasSubstr("is a flood"));
  EXPECT_EQ(fault("waiting: {keepAlive: 10ms}\n"), "");
  EXPECT_THAT(fault("limits: {headMax: 65KiB}\n"), HasSubstr("more than 64KiB is not parsed"));
  EXPECT_THAT(fault("limits: {heldMax: 63MiB}\n"), HasSubstr("heldMax: less than bodyMax"));
  EXPECT_EQ(good("limits: {bodyMax: 1GiB}\n")->limits.held_max, 1U << 30) << "no less";
  EXPECT_EQ(good("limits: {bodyMax: 1KiB, heldMax: 2KiB}\n")->limits.held_max, 2048U);
  EXPECT_EQ(good("limits: {bodyRateMin: 0}\n")->limits.body_rate_min, 0U);
  EXPECT_THAT(fault("limits: {headMax: 1023}\n"), HasSubstr("fits no request"));
  EXPECT_EQ(good("limits: {headMax: 64KiB}\n")->limits.head_max, 65536U);
}

TEST(ConfigValues, ACertificateAndItsKeyComeTogether) {
  EXPECT_THAT(fault("tls: {key: k.pem}\n"), HasSubstr("tls.cert: is missing"));
  EXPECT_THAT(fault("tls: {cert: c.pem}\n"), HasSubstr("tls.key: is missing"));
  EXPECT_EQ(good("tls: {cert: c, key: k}\n")->tls.least, TlsVersion::Tls12);
  EXPECT_EQ(good("tls: {cert: c, key: k, minVersion: 1.3}\n")->tls.least, TlsVersion::Tls13);
}

TEST(ConfigValues, OfThePowerSocket) {
  EXPECT_THAT(fault("power: {socket: power.sock}\n"), HasSubstr("expected an absolute path"));
  EXPECT_FALSE(good("power: {socket: /run/x}\n")->power.has_guests);
  EXPECT_TRUE(good("power: {users: [alice]}\n")->power.has_guests);
  EXPECT_TRUE(good("power: {groups: [wheel]}\n")->power.has_guests);
  const auto config = good(model("aliases: [b]") + "power: {onWake: [b, last]}\n");
  EXPECT_THAT(config->power.load, ElementsAre("a"));
  EXPECT_TRUE(config->power.load_last);
}

TEST(ConfigValues, AStarStandsForAnyText) {
  const auto fits = [](const char* pattern, std::string_view name) {
    return AliasPattern{pattern, "m"}.matches(name);
  };
  EXPECT_TRUE(fits("abc", "abc"));
  EXPECT_FALSE(fits("abc", "xabc")) << "without a star it is the whole name";
  EXPECT_TRUE(fits("a*b*c", "a1b2c"));
  EXPECT_TRUE(fits("a*c", "ac"));
  EXPECT_FALSE(fits("b*", "ab")) << "the first part stands at the start";
  EXPECT_FALSE(fits("*b", "ba")) << "the last one at the end";
  EXPECT_FALSE(fits("ab*ba", "aba")) << "a letter is used once";
}

TEST(ConfigValues, TheMostParticularPatternWins) {
  const auto config = good(
      "models:\n  a: {cmd: \"x ${PORT}\", aliases: [\"x-*\"]}\n"
      "  b: {cmd: \"x ${PORT}\", aliases: [\"x-long-**\"]}\n");
  EXPECT_EQ(config->find_model("x-1")->id, "a");
  EXPECT_EQ(config->find_model("x-long-1")->id, "b");
  EXPECT_EQ(config->find_model("y"), nullptr);
  EXPECT_THAT(fault(model("aliases: [\"**\"]")), HasSubstr("would take every name"));
}

TEST(ConfigValues, OfAModelHaveTheirBounds) {
  EXPECT_EQ(good(model("healthCheckTimeout: 3"))->models.at("a").health_check_timeout, 15s);
  EXPECT_EQ(good(model("concurrencyLimit: 0"))->models.at("a").concurrency_limit, 10);
  EXPECT_EQ(good(model("concurrencyLimit: 3"))->models.at("a").concurrency_limit, 3);
  const LoadedConfig odd = parse_config(model("env: [\"A=1\", \"=2\", B]"), "c.yaml");
  ASSERT_NE(odd.config, nullptr);
  EXPECT_THAT(odd.config->models.at("a").env, ElementsAre("A=1"));
  EXPECT_EQ(odd.problems.size(), 2U);
}

TEST(ConfigValues, FiltersLeaveTheModelAlone) {
  const Filters filters =
      good(model("filters: {stripParams: \"model, b, a,, b\", setParams: {model: x, n: 1}}"))
          ->models.at("a")
          .filters;
  EXPECT_THAT(filters.strip_params, ElementsAre("a", "b"));
  ASSERT_EQ(filters.set_params.size(), 1U);
  EXPECT_EQ(filters.set_params.front().path, "n");
}

TEST(ConfigValues, ACheckEndpointIsAPath) {
  EXPECT_EQ(fault(model("checkEndpoint: \"/a%2Fb?c\"")), "");
  EXPECT_THAT(fault(model("checkEndpoint: /\u00e4")), HasSubstr("must be percent-encoded"));
  EXPECT_THAT(fault(model("checkEndpoint: \"/a%2x\"")), HasSubstr("two hexadecimal digits"));
  EXPECT_THAT(fault(model("checkEndpoint: \"/a%2\"")), HasSubstr("two hexadecimal digits"));
}

TEST(ConfigValues, OfAPeer) {
  const auto config = good(
      "peers:\n  zoo: {proxy: \"http://zoo\", models: [auto, m], wake: {mac: auto}}\n"
      "  attic: {proxy: \"http://attic\", models: [m], timeouts: {connect: 7}}\n"
      "  barn: {proxy: \"http://barn\"}\n");
  const PeerConfig& zoo = config->peers.at("zoo");
  EXPECT_TRUE(zoo.learns_models);
  EXPECT_THAT(zoo.models, ElementsAre("m"));
  EXPECT_TRUE(zoo.endpoint.may_sleep);
  EXPECT_EQ(zoo.timeouts.connect, 1s) << "a packet to one that sleeps is lost";
  EXPECT_EQ(zoo.timeouts.idle_conn, 2s);
  const PeerConfig& attic = config->peers.at("attic");
  EXPECT_FALSE(attic.learns_models);
  EXPECT_FALSE(attic.endpoint.may_sleep);
  EXPECT_EQ(attic.timeouts.connect, 7s);
  EXPECT_EQ(attic.timeouts.response_header, 0s) << "it may load for minutes before it answers";
  EXPECT_LT(zoo.order, attic.order) << "as in the file";
  EXPECT_LT(attic.order, config->peers.at("barn").order);
  EXPECT_TRUE(config->peers.at("barn").learns_models);
  EXPECT_THAT(fault("peers: {p: {proxy: \"http://p\", probe: health}}\n"),
              HasSubstr("a path begins with a slash"));
}

TEST(ConfigValues, AKeyMayNameAPeersModel) {
  const std::string key = "keys: {k: {sha256: " + std::string(64, 'a') + ", models: [\"";
  const std::string peer = "peers: {attic: {proxy: \"http://attic\", models: [m]}}\n";
  EXPECT_EQ(fault(peer + key + "attic/*\"]}}\n"), "");
  EXPECT_THAT(fault(peer + key + "barn/*\"]}}\n"), HasSubstr("nothing here has a name like"));
}

TEST(ConfigValues, GroupsKeepOutOfEachOthersWay) {
  const std::string models =
      "models: {a: {cmd: \"x ${PORT}\"}, b: {cmd: \"x ${PORT}\"}, c: {cmd: \"x ${PORT}\", aliases: "
      "[sea]}}\n";
  const auto alone = good(models + "groups: {one: {members: [a]}, two: {members: [b]}}\n");
  EXPECT_FALSE(alone->residency->may_coexist("a", "b"));
  const auto both =
      good(models +
           "groups: {one: {members: [a], exclusive: false}, two: {members: [b], exclusive: "
           "false}}\n");
  EXPECT_TRUE(both->residency->may_coexist("a", "b"));
  const auto matrix = good(models + "matrix: {vars: {v: sea}, sets: {s: a & v}}\n");
  EXPECT_TRUE(matrix->residency->may_coexist("a", "c")) << "by its alias";
  EXPECT_FALSE(matrix->residency->may_coexist("a", "b"));
  EXPECT_THAT(fault(models + "routing: {scheduler: {settings: {fifo: {priority: {a: high}}}}}\n"),
              HasSubstr("expected a whole number, got \"high\""));
}

TEST(ConfigValues, NamesOfMacrosAreShort) {
  EXPECT_EQ(fault("macros: {" + std::string(63, 'm') + ": x}\n"), "");
  EXPECT_THAT(fault("macros: {" + std::string(64, 'm') + ": x}\n"), HasSubstr("up to 63 letters"));
}

TEST(ConfigValues, WhatIsCommentedOutInACommandToStopNeedNotBeSet) {
  EXPECT_EQ(
      fault("models:\n  a:\n    cmd: x ${PORT}\n    cmdStop: |\n      # ${env.ROUSE_NO_SUCH}\n"
            "      kill ${PID}\n"),
      "");
}

// --- files ---------------------------------------------------------------------------------------

TEST(ConfigFiles, APortStaysWithItsModel) {
  const test::TempDir dir;
  ConfigSources sources;
  sources.file =
      dir.write("c.yaml",
                "models: {a: {cmd: \"x ${PORT}\"}, b: {cmd: \"x ${PORT}\"}, c: {cmd: \"x "
                "${PORT}\"}}\n");
  sources.ports = {{"b", 5800}, {"c", 100}};
  const auto config = load_config(sources).config;
  ASSERT_NE(config, nullptr);
  EXPECT_EQ(config->models.at("b").port, 5800);
  EXPECT_EQ(config->models.at("a").port, 5801) << "the first that nobody has";
  EXPECT_EQ(config->models.at("c").port, 5802) << "what is below startPort is given up";
}

TEST(ConfigFiles, AFileHasASizeThatCanBeRead) {
  const test::TempDir dir;
  ConfigSources sources;
  sources.file = dir.write("c.yaml", "models: {}\n");
  std::filesystem::resize_file(sources.file, 17U * 1024 * 1024);
  const LoadedConfig loaded = load_config(sources);
  ASSERT_EQ(loaded.problems.size(), 1U);
  EXPECT_THAT(loaded.problems.front().str(), HasSubstr("is larger than 16 MiB"));
}

TEST(ConfigFiles, ALinkThatIsSwappedOnTheWayIsAChange) {
  const test::TempDir dir;
  for (const char* const folder : {"one", "two"}) {
    std::filesystem::create_directory(dir.path() / folder);
    dir.write(std::string(folder) + "/c.yaml", "models: {}\n");
  }
  // As Kubernetes has a ConfigMap.
  std::filesystem::create_directory_symlink("one", dir.path() / "data");
  std::filesystem::create_symlink("data/c.yaml", dir.path() / "c.yaml");
  ConfigSources sources;
  sources.file = dir / "c.yaml";
  const std::string before = fingerprint(sources);
  EXPECT_EQ(fingerprint(sources), before);
  std::filesystem::create_directory_symlink("two", dir.path() / "next");
  std::filesystem::rename(dir.path() / "next", dir.path() / "data");
  EXPECT_NE(fingerprint(sources), before);
  std::filesystem::remove_all(dir.path() / "two");
  EXPECT_EQ(fingerprint(sources), "");
}

}  // namespace
}  // namespace rouse
