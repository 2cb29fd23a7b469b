#include "proxy/config/schema.hpp"

#include "proxy/config/config.hpp"
#include "tests/tree/tree.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <simdjson.h>

#include <fstream>
#include <iterator>

namespace rouse {
namespace {

using testing::ElementsAre;

TEST(ConfigSchema, TheCommittedOneIsTheGeneratedOne) {
  std::ifstream file(test::source_path("config.schema.json"));
  const std::string committed{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(committed == json_schema()) << "run: rouse schema > config.schema.json";
}

/// Every "$ref" below @p element.
void collect_references(simdjson::dom::element element, std::vector<std::string>& references) {
  simdjson::dom::object object;
  simdjson::dom::array array;
  if (element.get(object) == simdjson::SUCCESS) {
    for (const auto& field : object) {
      std::string_view text;
      if (field.key == "$ref" && field.value.get(text) == simdjson::SUCCESS) {
        references.emplace_back(text);
      }
      collect_references(field.value, references);
    }
  } else if (element.get(array) == simdjson::SUCCESS) {
    for (const simdjson::dom::element each : array) collect_references(each, references);
  }
}

TEST(ConfigSchema, IsJsonWhoseReferencesResolve) {
  simdjson::dom::parser parser;
  simdjson::dom::element schema;
  ASSERT_EQ(parser.parse(json_schema()).get(schema), simdjson::SUCCESS);
  std::vector<std::string> references;
  collect_references(schema, references);
  EXPECT_GT(references.size(), 20u);
  for (const std::string& reference : references) {
    simdjson::dom::element target;
    EXPECT_EQ(schema.at_pointer(reference.substr(1)).get(target), simdjson::SUCCESS) << reference;
  }
}

TEST(ConfigSchema, DefaultsAndBoundsHaveTheirTypes) {
  simdjson::dom::parser parser;
  simdjson::dom::element schema;
  ASSERT_EQ(parser.parse(json_schema()).get(schema), simdjson::SUCCESS);
  const auto text = [&](const char* pointer) {
    return simdjson::minify(schema.at_pointer(pointer).value());
  };
  EXPECT_EQ(text("/properties/startPort/default"), "5800");
  EXPECT_EQ(text("/properties/startPort/anyOf/0/maximum"), "65535");
  EXPECT_EQ(text("/properties/includeAliasesInList/default"), "false");
  EXPECT_EQ(text("/properties/apiKeys/default"), "[]");
  EXPECT_EQ(text("/$defs/uiActivity/properties/session_id/default"),
            R"(["X-Session-ID","X-Litellm-Session-Id"])");
  EXPECT_EQ(text("/$defs/schedule/properties/maxWait/default"), "\"auto\"");
  EXPECT_EQ(text("/$defs/waiting/properties/hold/default"), "\"12s\"");
}

TEST(ConfigSchema, TablesNameOnlySectionsThatThereAre) {
  for (const ConfigSection& section : config_sections()) {
    for (const ConfigKey& key : section.keys) {
      EXPECT_FALSE(key.text.empty()) << section.name << "." << key.name;
      if (!key.section.empty()) {
        EXPECT_EQ(config_section(key.section).name, key.section);
      }
    }
  }
}

/// The keys of @p name with their defaults, as a file would give them.
std::string defaults_of(std::string_view name) {
  std::string out = fmt::format("{}:\n", name);
  for (const ConfigKey& key : config_section(name).keys) {
    out += fmt::format("  {}: {}\n", key.name, key.otherwise);
  }
  return out;
}

TEST(ConfigSchema, TheDefaultsOfTheTablesAreThoseOfTheReader) {
  const std::string text = defaults_of("schedule") + defaults_of("waiting") + defaults_of("limits");
  const LoadedConfig written = parse_config(text, "c.yaml");
  const LoadedConfig empty = parse_config("", "c.yaml");
  ASSERT_TRUE(written.config && empty.config);
  EXPECT_TRUE(written.problems.empty());
  const auto values = [](const Config& config) {
    const core::SchedulePolicy& s = config.schedule;
    return std::vector<std::int64_t>{
        s.max_wait.count(),
        static_cast<std::int64_t>(s.swap_budget * 1'000),
        s.min_residency.count(),
        s.linger.count(),
        s.gather.count(),
        s.abandon_grace.count(),
        s.give_up.count(),
        static_cast<std::int64_t>(s.queue_max),
        s.load_failures_max,
        s.backoff_first.count(),
        s.backoff_max.count(),
        s.shutdown_drain.count(),
        config.waiting.hold.count(),
        config.waiting.keep_alive.count(),
        static_cast<std::int64_t>(config.limits.body_max),
        static_cast<std::int64_t>(config.limits.body_rate_min),
        static_cast<std::int64_t>(config.limits.held_max),
        static_cast<std::int64_t>(config.limits.head_max),
        static_cast<std::int64_t>(config.limits.connections_max),
        static_cast<std::int64_t>(config.limits.connections_per_address),
        config.limits.head_timeout.count(),
        config.limits.body_timeout.count(),
        config.limits.tunnel_timeout.count(),
        config.limits.idle_timeout.count()};
  };
  EXPECT_EQ(values(*written.config), values(*empty.config));
  std::size_t keys = 0;
  for (const char* const name : {"schedule", "waiting", "limits"}) {
    keys += config_section(name).keys.size();
  }
  EXPECT_EQ(values(*empty.config).size(), keys) << "a key is missing in this test";
}

TEST(ConfigSchema, UnsupportedKeysAreNamedOnceEach) {
  const LoadedConfig loaded = parse_config(
      "logRequests: true\nmodels: {a: {cmd: \"x ${PORT}\", filters: {stripParams: x}, timeouts: "
      "{connect: 1, keepalive: 2}}}\n",
      "c.yaml");
  EXPECT_THAT(loaded.unsupported, ElementsAre("logRequests", "models.a.timeouts.keepalive"));
}

}  // namespace
}  // namespace rouse
