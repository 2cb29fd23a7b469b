#include "proxy/config/schema.hpp"
#include "proxy/wire/error_body.hpp"
#include "proxy/wire/json_writer.hpp"

#include <fmt/format.h>

namespace rouse {

namespace {

using wire::JsonWriter;

void write_choices(JsonWriter& json, std::string_view choices) {
  json.key("enum");
  json.begin_array();
  while (true) {
    const std::size_t bar = choices.find('|');
    json.value(choices.substr(0, bar));
    if (bar == std::string_view::npos) break;
    choices.remove_prefix(bar + 1);
  }
  json.end_array();
}

void write_reference(JsonWriter& json, std::string_view section) {
  json.member("$ref", fmt::format("#/$defs/{}", section));
}

/// A macro may stand wherever a number or a truth value does.
void write_or_macro(JsonWriter& json, std::string_view type) {
  json.key("anyOf");
  json.raw(fmt::format(R"([{{"type":"{}"}},{{"type":"string","pattern":"\\$\\{{"}}])", type));
}

void write_key(JsonWriter& json, const ConfigKey& key) {
  json.key(key.name);
  json.begin_object();
  std::string text(key.text);
  if (!key.works) text += " (accepted, without effect yet)";
  json.member("description", text);
  if (!key.otherwise.empty()) json.member("default", key.otherwise);
  switch (key.type) {
    case KeyType::Text:
      json.key("type");
      json.raw(R"(["string","number","boolean","null"])");
      if (!key.one_of.empty()) write_choices(json, key.one_of);
      break;
    case KeyType::Bool:
      write_or_macro(json, "boolean");
      break;
    case KeyType::Number:
      write_or_macro(json, "integer");
      break;
    case KeyType::Duration:
    case KeyType::Size:
      json.key("type");
      json.raw(R"(["string","number"])");
      break;
    case KeyType::TextList:
      json.member("type", "array");
      json.key("items");
      json.begin_object();
      json.key("type");
      json.raw(R"(["string","number"])");
      if (!key.one_of.empty()) write_choices(json, key.one_of);
      json.end_object();
      break;
    case KeyType::Anything:
      break;
    case KeyType::Section:
      write_reference(json, key.section);
      break;
    case KeyType::SectionMap:
      json.member("type", "object");
      json.key("additionalProperties");
      json.begin_object();
      write_reference(json, key.section);
      json.end_object();
      break;
    case KeyType::TextMap:
      json.member("type", "object");
      json.key("additionalProperties");
      json.raw(R"({"type":["string","number"]})");
      break;
    case KeyType::AnyMap:
      json.member("type", "object");
      break;
  }
  json.end_object();
}

void write_section(JsonWriter& json, const ConfigSection& section) {
  json.key("type");
  json.raw(R"(["object","null"])");
  json.key("properties");
  json.begin_object();
  for (const ConfigKey& key : section.keys) write_key(json, key);
  json.end_object();
  // Blocks of one's own, for anchors, are welcome at the top only.
  json.member("additionalProperties", section.name == "top");
}

}  // namespace

std::string json_schema() {
  JsonWriter json;
  json.begin_object();
  json.member("$schema", "https://json-schema.org/draft/2020-12/schema");
  json.member("title", "configuration of rouse");
  write_section(json, config_section("top"));
  json.key("$defs");
  json.begin_object();
  for (const ConfigSection& section : config_sections()) {
    if (section.name == "top") continue;
    json.key(section.name);
    json.begin_object();
    write_section(json, section);
    json.end_object();
  }
  json.end_object();
  json.end_object();
  return json.take() + "\n";
}

}  // namespace rouse
