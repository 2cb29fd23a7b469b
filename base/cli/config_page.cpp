#include "base/cli/config_page.hpp"

#include "base/cli/roff.hpp"
#include "base/config/shape.hpp"
#include "base/text/json_writer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse {

namespace {

/// A table of keys as a person meets it: where it stands, and where the example has it.
struct Met {
  const ConfigSection* section = nullptr;
  std::vector<std::string> paths;  ///< "models.NAME"
  std::vector<const YamlNode*> examples;
};

class Walk {
 public:
  explicit Walk(const ConfigTable& table) : table_(table) {}

  void visit(const ConfigSection& section, const std::string& path,
             const std::vector<const YamlNode*>& examples) {
    Met& met = find_or_add(section);
    met.paths.push_back(path);
    met.examples.insert(met.examples.end(), examples.begin(), examples.end());
    for (const ConfigKey& key : section.keys) {
      const std::string below = (path.empty() ? "" : path + ".") + std::string(key.name);
      visit_key(key, below, children(examples, key.name));
    }
  }

  [[nodiscard]] const std::vector<Met>& found() const { return found_; }

 private:
  using Nodes = std::vector<const YamlNode*>;

  static Nodes children(const Nodes& parents, std::string_view key) {
    Nodes out;
    for (const YamlNode* parent : parents) {
      if (const YamlNode* child = parent->find(key)) out.push_back(child);
    }
    return out;
  }

  static Nodes members(const Nodes& parents) {
    Nodes out;
    for (const YamlNode* parent : parents) {
      for (const YamlNode::Member& member : parent->members) out.push_back(&member.value);
      for (const YamlNode& item : parent->items) out.push_back(&item);
    }
    return out;
  }

  void visit_key(const ConfigKey& key, const std::string& path, const Nodes& nodes) {
    if (key.type == KeyType::Section) visit(table_.section(key.section), path, nodes);
    if (key.type == KeyType::SectionMap) {
      visit(table_.section(key.section), path + ".NAME", members(nodes));
    }
    if (key.type == KeyType::SectionList) {
      visit(table_.section(key.section), path + "[]", members(nodes));
    }
    if (key.type != KeyType::KindList) return;
    for (const std::string& kind : kinds_of(table_, key.section)) {
      Nodes of_kind;
      for (const YamlNode* node : members(nodes)) {
        if (kind_of(*node) == kind) of_kind.push_back(node);
      }
      visit(table_.section(fmt::format("{}_{}", key.section, kind)),
            fmt::format("{}[] of kind {}", path, kind), of_kind);
    }
  }

  Met& find_or_add(const ConfigSection& section) {
    const auto known = std::find_if(found_.begin(), found_.end(),
                                    [&](const Met& met) { return met.section == &section; });
    if (known != found_.end()) return *known;
    found_.push_back({&section, {}, {}});
    return found_.back();
  }

  const ConfigTable& table_;
  std::vector<Met> found_;
};

std::string range_of(const ConfigKey& key) {
  const bool has_least = key.least > std::numeric_limits<int>::min();
  const bool has_most = key.most < std::numeric_limits<int>::max();
  if (has_least && has_most) return fmt::format(" from {} to {}", key.least, key.most);
  if (has_least) return fmt::format(" from {} on", key.least);
  return has_most ? fmt::format(" up to {}", key.most) : "";
}

std::string choices_of(const ConfigKey& key) {
  std::string out;
  for (const char c : key.one_of) {
    if (c != '|')
      out += c;
    else if (!out.empty())
      out += ", ";  // an empty choice may be the first
  }
  return out;
}

std::string type_of(const ConfigKey& key) {
  switch (key.type) {
    case KeyType::Text:
      return key.one_of.empty() ? "text" : "one of " + choices_of(key);
    case KeyType::Bool:
      return "true or false";
    case KeyType::Number:
      return "whole number" + range_of(key);
    case KeyType::Seconds:
      return "whole number of seconds" + range_of(key);
    case KeyType::Real:
      return "number" + range_of(key);
    case KeyType::Duration:
      return "time";
    case KeyType::Size:
      return "size";
    case KeyType::TextList:
      return key.one_of.empty() ? "list of texts" : "list of " + choices_of(key);
    case KeyType::TextOrList:
      return "text, or list of texts";
    case KeyType::Anything:
      return "anything";
    case KeyType::Section:
      return "mapping, see below";
    case KeyType::SectionMap:
      return "mappings by name, see below";
    case KeyType::SectionList:
      return "list of mappings, see below";
    case KeyType::KindList:
      return "list of mappings by kind, see below";
    case KeyType::TextMap:
      return "texts by name";
    case KeyType::AnyMap:
      return "anything by name";
  }
  return {};
}

std::string yaml_quoted(const std::string& text) {
  JsonWriter json;
  json.value(text);
  return json.take();
}

std::string flow_of(const YamlNode& node);

/// Within a list or mapping in one line, where some letters have a meaning.
std::string flow_part(const YamlNode& node) {
  if (!node.is_scalar() || node.quoted) return flow_of(node);
  return node.text.find_first_of(",[]{}:#&*!|>'\"%@`") == std::string::npos
             ? node.text
             : yaml_quoted(node.text);
}

/// A value in one line, as YAML takes it.
std::string flow_of(const YamlNode& node) {
  std::string line;
  if (node.is_list()) {
    for (const YamlNode& item : node.items) line += (line.empty() ? "" : ", ") + flow_part(item);
    return "[" + line + "]";
  }
  if (node.is_map()) {
    for (const YamlNode::Member& member : node.members) {
      line +=
          fmt::format("{}{}: {}", line.empty() ? "" : ", ", member.key, flow_part(member.value));
    }
    return "{" + line + "}";
  }
  for (const char c : node.text) {
    if (c != '\n')
      line += c;
    else if (!line.empty() && line.back() != ' ')
      line += ' ';
  }
  if (node.text.find('\n') != std::string::npos) {
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  }
  return node.quoted ? yaml_quoted(node.text) : line;
}

bool has_keys_of_its_own(const ConfigKey& key) {
  return key.type == KeyType::Section || key.type == KeyType::SectionMap ||
         key.type == KeyType::SectionList || key.type == KeyType::KindList;
}

/// What the example gives the key, at its first place where that says something.
std::string example_of(const Met& met, const ConfigKey& key) {
  std::string nothing;
  for (const YamlNode* node : met.examples) {
    const YamlNode* const value = node->find(key.name);
    if (value == nullptr || value->is_null()) continue;
    std::string text = flow_of(*value);
    if (text != "\"\"" && text != "[]" && text != "{}") return text;
    nothing = text;
  }
  return nothing;
}

void add_key(RoffPage& page, const Met& met, const ConfigKey& key) {
  std::string text =
      fmt::format("{}{}.", key.text, key.works ? "" : " (accepted, without effect yet)");
  if (!key.otherwise.empty()) text += fmt::format(" Default: `{}`.", key.otherwise);
  page.item(fmt::format("{} ({})", roff_bold(key.name), roff_text(type_of(key))), text);
  if (has_keys_of_its_own(key)) return;
  const std::string example = example_of(met, key);
  if (example.empty()) return;
  page.raw(".br");
  page.text_here(fmt::format("Example: `{}: {}`", key.name, example));
}

void add_section(RoffPage& page, const Met& met) {
  const std::string& path = met.paths.front();
  page.subsection(path.empty() ? "Top level" : path);
  std::vector<std::string> others;
  for (std::size_t i = 1; i < met.paths.size(); ++i) others.push_back("`" + met.paths[i] + "`");
  if (!others.empty()) page.text(fmt::format("The same below {}.", fmt::join(others, ", ")));
  for (const ConfigKey& key : met.section->keys) add_key(page, met, key);
}

}  // namespace

std::string config_man_page(const ConfigPage& facts, const std::string& example,
                            const std::string& date, std::vector<Problem>& problems) {
  const YamlNode root = read_yaml(example, "example", problems);
  Walk walk(*facts.table);
  walk.visit(facts.table->top(), "", {&root});
  RoffPage page(facts.name, 5, date, facts.program, "File Formats");
  page.section("Name");
  page.raw(roff_text(facts.name) + " \\- " + roff_text(facts.headline));
  page.section("Description");
  page.text(facts.about);
  page.section("Keys");
  for (const Met& met : walk.found()) add_section(page, met);
  page.section("Example");
  page.text("A whole file with every key:");
  page.example(example);
  page.section("See also");
  page.raw(fmt::format("{}", fmt::join(facts.see_also, ", ")));
  return page.take();
}

}  // namespace rouse
