// From the name that a client asks for to a model.
#include "proxy/routing/names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace rouse {
namespace {

using core::EngineState;
using core::TargetState;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kModels =
    "models:\n  a: {cmd: \"x ${PORT}\"}\n  b: {cmd: \"x ${PORT}\", aliases: [bee]}\n"
    "  c: {cmd: \"x ${PORT}\"}\n"
    "groups: {all: {swap: false, members: [a, b, c]}}\n"
    "peers: {attic: {proxy: \"http://attic\", models: [far]}}\n";
constexpr std::string_view kSelectors =
    "selectors:\n  warm: {strategy: warm, targets: [a, bee, c]}\n"
    "  wide: {strategy: spillover, targets: [a, b], settings: {spillover: 1}}\n"
    "  away: {strategy: spillover, targets: [far, a], settings: {spillover: 9}}\n";

std::shared_ptr<const Config> config_of(const std::string& more) {
  const LoadedConfig loaded = parse_config(std::string(kModels) + more, "test.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
  return loaded.config;
}
std::shared_ptr<const Config> with_selectors(const std::string& more = "") {
  return config_of(std::string(kSelectors) + more);
}

/// Names, and the states of the engines.
class Asking {
 public:
  explicit Asking(std::shared_ptr<const Config> config) : names(std::move(config)) {}

  Names::Resolved resolve(std::string_view name) {
    return names.resolve(name, [this](const std::string& model) { return states[model]; });
  }
  std::string model(std::string_view name) {
    const Names::Resolved found = resolve(name);
    return found.model == nullptr ? "none, " + found.name : found.model->id;
  }
  std::string peeked(std::string_view name) {
    return names.peek(name, [this](const std::string& model) { return states[model]; }).name;
  }

  Names names;
  std::map<std::string, TargetState> states{
      {"a", TargetState::Stopped}, {"b", TargetState::Stopped}, {"c", TargetState::Stopped}};
};

TEST(Names, StatesOfEnginesAreThoseOfTargets) {
  EXPECT_EQ(target_state(EngineState::Stopped), TargetState::Stopped);
  EXPECT_EQ(target_state(EngineState::Failed), TargetState::Stopped);
  EXPECT_EQ(target_state(EngineState::Starting), TargetState::Starting);
  EXPECT_EQ(target_state(EngineState::Ready), TargetState::Ready);
  EXPECT_EQ(target_state(EngineState::Stopping), TargetState::Stopping);
}

TEST(Names, WarmTakesWhatIsThere) {
  Asking my(with_selectors());
  EXPECT_EQ(my.model("warm"), "a");
  my.states["c"] = TargetState::Starting;
  EXPECT_EQ(my.model("warm"), "c");
  my.states["b"] = TargetState::Ready;
  EXPECT_EQ(my.model("warm"), "b") << "by its alias";
  EXPECT_EQ(my.resolve("warm").selector, "warm");
  EXPECT_EQ(my.resolve("a").selector, "");
}

TEST(Names, SpilloverCountsUntilTheLeaseEnds) {
  Asking my(with_selectors());
  my.states["a"] = TargetState::Ready;
  Names::Resolved first = my.resolve("wide");
  EXPECT_EQ(first.name, "a");
  EXPECT_EQ(my.peeked("wide"), "b") << "a look knows what runs";
  Names::Resolved second = my.resolve("wide");
  EXPECT_EQ(second.name, "b");
  first.lease = {};
  EXPECT_EQ(my.peeked("wide"), "a");
  EXPECT_EQ(my.peeked("wide"), "a") << "and changes nothing";
  EXPECT_EQ(my.resolve("wide").name, "a");
}

TEST(Names, WhereNoTargetMayBeUsedThatIsSaid) {
  Asking my(with_selectors());
  my.states["a"] = my.states["b"] = TargetState::Stopping;
  const Names::Resolved found = my.resolve("wide");
  EXPECT_EQ(found.model, nullptr);
  EXPECT_THAT(found.problem, HasSubstr("\"wide\" has no available"));
}

TEST(Names, ATargetOfAnotherMachineIsNoEngineOfOurs) {
  Asking my(with_selectors());
  my.states["a"] = TargetState::Stopping;
  const Names::Resolved found = my.resolve("away");
  EXPECT_EQ(found.name, "far");
  EXPECT_EQ(found.model, nullptr);
  EXPECT_EQ(found.problem, "");
  Asking fresh(with_selectors());
  fresh.states["a"] = TargetState::Ready;
  EXPECT_EQ(fresh.peeked("away"), "a") << "what is here and in use comes first";
}

TEST(Names, AReloadKeepsTheCountsOfWhatStays) {
  Asking my(with_selectors());
  my.states["a"] = TargetState::Ready;
  const Names::Resolved first = my.resolve("wide");
  my.names.adopt(with_selectors("logLevel: debug\n"));
  EXPECT_EQ(my.peeked("wide"), "b");
  my.names.adopt(config_of(
      "selectors: {wide: {strategy: spillover, targets: [a, c], settings: {spillover: 1}}}\n"));
  EXPECT_EQ(my.peeked("wide"), "a") << "it is another one";
}

TEST(Names, AProfileIsActiveWhileItIsThere) {
  const std::string profiles = "profiles: {night: {pins: {a: b, off: \"\"}}}\n";
  Asking my(with_selectors(profiles));
  EXPECT_FALSE(my.names.activate("day"));
  EXPECT_EQ(my.names.active_profile(), "");
  ASSERT_TRUE(my.names.activate("night"));
  EXPECT_EQ(my.model("a"), "b");
  EXPECT_EQ(my.peeked("a"), "b");
  EXPECT_EQ(my.names.pinned("c"), "c");
  EXPECT_TRUE(my.names.is_pinned("off"));
  EXPECT_EQ(my.model("off"), "none, ");
  my.names.adopt(with_selectors(profiles));
  EXPECT_EQ(my.names.active_profile(), "night");
  my.names.adopt(with_selectors());
  EXPECT_EQ(my.names.active_profile(), "");
  EXPECT_EQ(my.model("a"), "a");
  EXPECT_TRUE(my.names.activate(""));
}

TEST(UnknownModel, IsToldWithSomeThatThereAre) {
  Config config;
  EXPECT_EQ(unknown_model_text(config, "x"), "no model is called \"x\"");
  for (int i = 10; i < 24; ++i) config.models["m" + std::to_string(i)].id = "m";
  config.models["m10"].unlisted = true;
  const std::string text = unknown_model_text(config, std::string(5000, 'x'));
  EXPECT_LT(text.size(), 300U);
  EXPECT_THAT(text, HasSubstr("; there are: m11, m12"));
  EXPECT_THAT(text, HasSubstr("m22 and 1 more"));
  EXPECT_THAT(text, Not(HasSubstr("m10")));
}

}  // namespace
}  // namespace rouse
