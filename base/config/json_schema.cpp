#include "base/config/json_schema.hpp"

#include "base/config/shape.hpp"
#include "base/config/yaml_json.hpp"
#include "base/text/json_writer.hpp"

#include <fmt/format.h>

#include <functional>

namespace rouse {

namespace {

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

/// A macro may stand wherever a number or a truth value does. @p schema: members.
void write_or_macro(JsonWriter& json, const ConfigTable& table, const std::string& schema) {
  if (!table.has_macros) return json.members(schema);
  json.key("anyOf");
  json.raw(fmt::format(R"([{{{}}},{{"type":"string","pattern":"\\$\\{{"}}])", schema));
}

std::string number_schema(const ConfigKey& key) {
  std::string schema = R"("type":["integer","null"])";
  if (key.least > std::numeric_limits<int>::min()) {
    schema += fmt::format(R"(,"minimum":{})", key.least);
  }
  if (key.most < std::numeric_limits<int>::max()) {
    schema += fmt::format(R"(,"maximum":{})", key.most);
  }
  return schema;
}

std::string real_schema(const ConfigKey& key) {
  std::string schema = R"("type":["number","null"])";
  if (key.least > std::numeric_limits<int>::min()) {
    schema += fmt::format(R"(,"minimum":{})", key.least);
  }
  return schema;
}

/// In its own type: as a text only where the key holds one.
void write_default(JsonWriter& json, const ConfigKey& key) {
  if (key.otherwise.empty()) return;
  const bool is_text =
      key.type == KeyType::Text || key.type == KeyType::Duration || key.type == KeyType::Size;
  if (is_text) return json.member("default", key.otherwise);
  std::vector<Problem> none;
  json.key("default");
  json.raw(to_json(read_yaml(std::string(key.otherwise), "", none)));
}

void write_kinds(JsonWriter& json, const ConfigTable& table, std::string_view section) {
  const std::vector<std::string> kinds = kinds_of(table, section);
  json.key("oneOf");
  json.begin_array();
  json.begin_object();
  json.key("enum");
  json.begin_array();
  for (const std::string& kind : kinds) json.value(kind);
  json.end_array();
  json.end_object();
  for (const std::string& kind : kinds) {
    json.begin_object();
    json.key("properties");
    json.begin_object();
    json.key("kind");
    json.begin_object();
    json.member("const", kind);
    json.end_object();
    json.end_object();
    json.key("required");
    json.raw(R"(["kind"])");
    write_reference(json, fmt::format("{}_{}", section, kind));
    json.end_object();
  }
  json.end_array();
}

constexpr std::string_view kText = R"("string","number")";

void write_type(JsonWriter& json, std::string_view types) {
  json.key("type");
  json.raw(fmt::format("[{},\"null\"]", types));
}

/// @p member: what the values of a list or a mapping are ("items", "additionalProperties").
void write_values(JsonWriter& json, std::string_view member, const std::function<void()>& write) {
  json.key(member);
  json.begin_object();
  write();
  json.end_object();
}

/// What may stand at @p key.
void write_value(JsonWriter& json, const ConfigTable& table, const ConfigKey& key) {
  switch (key.type) {
    case KeyType::Text:
      write_type(json, R"("string","number","boolean")");
      if (!key.one_of.empty()) write_choices(json, key.one_of);
      return;
    case KeyType::Bool:
      return write_or_macro(json, table, R"("type":["boolean","null"])");
    case KeyType::Number:
    case KeyType::Seconds:
      return write_or_macro(json, table, number_schema(key));
    case KeyType::Real:
      return write_or_macro(json, table, real_schema(key));
    case KeyType::Duration:
    case KeyType::Size:
      return write_type(json, kText);
    case KeyType::TextList:
      write_type(json, R"("array")");
      return write_values(json, "items", [&] {
        write_type(json, kText);
        if (!key.one_of.empty()) write_choices(json, key.one_of);
      });
    case KeyType::TextOrList:
      write_type(json, R"("string","number","array")");
      return write_values(json, "items", [&] { write_type(json, kText); });
    case KeyType::Anything:
      return;
    case KeyType::Section:
      return write_reference(json, key.section);
    case KeyType::SectionMap:
      write_type(json, R"("object")");
      return write_values(json, "additionalProperties",
                          [&] { write_reference(json, key.section); });
    case KeyType::SectionList:
      write_type(json, R"("array")");
      return write_values(json, "items", [&] { write_reference(json, key.section); });
    case KeyType::KindList:
      write_type(json, R"("array")");
      return write_values(json, "items", [&] { write_kinds(json, table, key.section); });
    case KeyType::TextMap:
      write_type(json, R"("object")");
      return write_values(json, "additionalProperties", [&] { write_type(json, kText); });
    case KeyType::AnyMap:
      return write_type(json, R"("object")");
  }
}

void write_key(JsonWriter& json, const ConfigTable& table, const ConfigKey& key) {
  json.key(key.name);
  json.begin_object();
  std::string text(key.text);
  if (!key.works) text += " (accepted, without effect yet)";
  json.member("description", text);
  write_default(json, key);
  write_value(json, table, key);
  json.end_object();
}

/// A line for each member; lists stay on one, so that a change of a key changes few lines.
std::string indented(std::string_view json) {
  std::string out;
  int depth = 0;
  int lists = 0;
  bool in_text = false;
  const auto new_line = [&] {
    if (lists == 0) out += "\n" + std::string(static_cast<std::size_t>(depth) * 2, ' ');
  };
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text) {
      out += c;
      if (c == '\\') out += json[++i];
      if (c == '"') in_text = false;
      continue;
    }
    if (c == '[') ++lists;
    if (c == ']') --lists;
    const bool opens = c == '{' && json[i + 1] != '}';
    const bool closes = c == '}' && json[i - 1] != '{';
    if (closes) --depth;
    if (closes) new_line();
    out += c;
    if (opens) ++depth;
    if (opens || (c == ',' && lists == 0)) new_line();
    if (c == ':' || (c == ',' && lists > 0)) out += ' ';
    in_text = c == '"';
  }
  return out;
}

void write_section(JsonWriter& json, const ConfigTable& table, const ConfigSection& section) {
  json.key("type");
  json.raw(R"(["object","null"])");
  json.key("properties");
  json.begin_object();
  for (const ConfigKey& key : section.keys) write_key(json, table, key);
  json.end_object();
  // Blocks of one's own, for anchors, are welcome at the top only.
  json.member("additionalProperties", &section == &table.top());
}

}  // namespace

std::string json_schema(const ConfigTable& table) {
  JsonWriter json;
  json.begin_object();
  json.member("$schema", "https://json-schema.org/draft/2020-12/schema");
  json.member("title", table.title);
  write_section(json, table, table.top());
  json.key("$defs");
  json.begin_object();
  for (const ConfigSection& section : table.sections) {
    if (&section == &table.top()) continue;
    json.key(section.name);
    json.begin_object();
    write_section(json, table, section);
    json.end_object();
  }
  json.end_object();
  json.end_object();
  return indented(json.take()) + "\n";
}

}  // namespace rouse
