#include "base/yaml/tree.hpp"
#include "proxy/config/config.hpp"
#include "proxy/config/schema.hpp"
#include "tests/tree/tree.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

namespace rouse {
namespace {

std::string text_of(const std::string& name) {
  std::ifstream file(test::source_path(name));
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Notes which keys of which section a file uses.
void collect(const YamlNode& node, std::string_view section,
             std::set<std::pair<std::string, std::string>>& seen) {
  for (const YamlNode::Member& member : node.members) {
    seen.emplace(section, member.key);
    for (const ConfigKey& key : config_section(section).keys) {
      if (key.name != member.key) continue;
      if (key.type == KeyType::Section) collect(member.value, key.section, seen);
      for (const YamlNode& item : member.value.items) collect(item, key.section, seen);
      if (key.type != KeyType::SectionMap) continue;
      for (const YamlNode::Member& entry : member.value.members) {
        collect(entry.value, key.section, seen);
      }
    }
  }
}

TEST(ConfigExample, LoadsWithoutAWord) {
  const LoadedConfig loaded = parse_config(text_of("config.example.yaml"), "config.example.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
  EXPECT_NE(loaded.config, nullptr);
}

TEST(ConfigExample, ShowsEveryKey) {
  std::vector<Problem> problems;
  const YamlNode root = read_yaml(text_of("config.example.yaml"), "example", problems);
  std::set<std::pair<std::string, std::string>> seen;
  collect(root, "top", seen);
  // Forms that cannot stand beside others; the example shows them as comments.
  seen.emplace("securityCors", "allowedOrigins");
  seen.emplace("top", "groups");
  seen.emplace("top", "matrix");
  for (const ConfigSection& section : config_sections()) {
    for (const ConfigKey& key : section.keys) {
      EXPECT_TRUE(seen.contains({std::string(section.name), std::string(key.name)}))
          << section.name << "." << key.name << " is missing in config.example.yaml";
    }
  }
}

}  // namespace
}  // namespace rouse
