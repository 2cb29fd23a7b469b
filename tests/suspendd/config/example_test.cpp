#include "base/yaml/tree.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/config/schema.hpp"
#include "tests/tree/tree.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

namespace rouse::suspendd {
namespace {

using Seen = std::set<std::pair<std::string, std::string>>;

std::string text_of(const std::string& name) {
  std::ifstream file(test::source_path(name));
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Notes which keys of which section a file uses.
void collect(const YamlNode& node, const std::string& section, Seen& seen) {
  for (const YamlNode::Member& member : node.members) {
    seen.emplace(section, member.key);
    const ConfigKey* const key = config_table().section(section).find(member.key);
    if (key == nullptr) continue;
    const std::string below(key->section);
    if (key->type == KeyType::Section) collect(member.value, below, seen);
    if (key->type != KeyType::SectionList && key->type != KeyType::KindList) continue;
    for (const YamlNode& item : member.value.items) {
      const YamlNode* const kind = item.find("kind");
      collect(item, kind == nullptr ? below : below + "_" + kind->text, seen);
    }
  }
}

TEST(SuspenddConfigExample, LoadsWithoutAWord) {
  const LoadedConfig loaded =
      parse_config(text_of("suspendd.example.yaml"), "suspendd.example.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
  EXPECT_NE(loaded.config, nullptr);
}

TEST(SuspenddConfigExample, ShowsEveryKey) {
  std::vector<Problem> problems;
  const YamlNode root = read_yaml(text_of("suspendd.example.yaml"), "example", problems);
  Seen seen;
  collect(root, "top", seen);
  for (const ConfigSection& section : config_table().sections) {
    for (const ConfigKey& key : section.keys) {
      EXPECT_TRUE(seen.contains({std::string(section.name), std::string(key.name)}))
          << section.name << "." << key.name << " is missing in suspendd.example.yaml";
    }
  }
}

TEST(SuspenddConfigSchema, TheCommittedOneIsTheGeneratedOne) {
  EXPECT_TRUE(text_of("suspendd.schema.json") == json_schema())
      << "run: rouse-suspendd schema > suspendd.schema.json";
}

TEST(SuspenddConfigSchema, TablesNameOnlySectionsThatThereAre) {
  for (const ConfigSection& section : config_table().sections) {
    for (const ConfigKey& key : section.keys) {
      EXPECT_FALSE(key.text.empty()) << section.name << "." << key.name;
      if (key.section.empty() || key.type == KeyType::KindList) continue;
      EXPECT_NE(config_table().find_section(key.section), nullptr) << key.section;
    }
  }
}

/// A default that the table tells and the reader does not have would be a lie in the schema.
TEST(SuspenddConfigSchema, DefaultsOfTheTableAreThoseOfTheReader) {
  std::string text;
  for (const ConfigKey& key : config_table().top().keys) {
    if (key.type != KeyType::Section || key.name == "windows" || key.name == "hooks") continue;
    std::string section;
    for (const ConfigKey& below : config_table().section(key.section).keys) {
      if (!below.otherwise.empty()) {
        section += fmt::format("  {}: {}\n", below.name, below.otherwise);
      }
    }
    if (!section.empty()) text += fmt::format("{}:\n{}", key.name, section);
  }
  const LoadedConfig given = parse_config(text, "defaults");
  for (const Problem& problem : given.problems) ADD_FAILURE() << problem.str();
  const LoadedConfig none = parse_config("", "none");
  ASSERT_TRUE(given.config && none.config);
  const Config& a = *given.config;
  const Config& b = *none.config;
  EXPECT_EQ(a.idle.time, b.idle.time);
  EXPECT_EQ(a.idle.poll, b.idle.poll);
  EXPECT_EQ(a.idle.unknown_max, b.idle.unknown_max);
  EXPECT_EQ(a.grace.min_uptime, b.grace.min_uptime);
  EXPECT_EQ(a.grace.resume, b.grace.resume);
  EXPECT_EQ(a.linger.wol, b.linger.wol);
  EXPECT_EQ(a.linger.rtc, b.linger.rtc);
  EXPECT_EQ(a.linger.other, b.linger.other);
  EXPECT_EQ(a.proxy.socket, b.proxy.socket);
  EXPECT_EQ(a.proxy.unreachable_is_active, b.proxy.unreachable_is_active);
  EXPECT_EQ(a.proxy.drain_ttl, b.proxy.drain_ttl);
  EXPECT_EQ(a.proxy.unload_timeout, b.proxy.unload_timeout);
  EXPECT_EQ(a.wol.require, b.wol.require);
  EXPECT_EQ(a.wol.arm, b.wol.arm);
  EXPECT_EQ(a.wol.only_magic, b.wol.only_magic);
  EXPECT_EQ(a.suspend.confirm_first, b.suspend.confirm_first);
  EXPECT_EQ(a.suspend.verify, b.suspend.verify);
  EXPECT_EQ(a.suspend.backoff, b.suspend.backoff);
  EXPECT_EQ(a.suspend.backoff_max, b.suspend.backoff_max);
  EXPECT_EQ(a.suspend.max_failures, b.suspend.max_failures);
  EXPECT_EQ(a.suspend.spurious_limit, b.suspend.spurious_limit);
  EXPECT_EQ(a.suspend.spurious_window, b.suspend.spurious_window);
  EXPECT_EQ(a.suspend.min_sleep, b.suspend.min_sleep);
  EXPECT_EQ(a.gpu.probe, b.gpu.probe);
  EXPECT_EQ(a.gpu.cuda, b.gpu.cuda);
  EXPECT_EQ(a.gpu.nvml, b.gpu.nvml);
  EXPECT_EQ(a.gpu.timeout, b.gpu.timeout);
  EXPECT_EQ(a.gpu.retry, b.gpu.retry);
  EXPECT_EQ(a.gpu.recover_timeout, b.gpu.recover_timeout);
  EXPECT_EQ(a.notify.timeout, b.notify.timeout);
  EXPECT_EQ(a.gate.wait, b.gate.wait);
  EXPECT_EQ(a.gate.deny_when_busy, b.gate.deny_when_busy);
  EXPECT_EQ(a.control_socket, b.control_socket);
  EXPECT_EQ(a.control_groups, b.control_groups);
}

}  // namespace
}  // namespace rouse::suspendd
