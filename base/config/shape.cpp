#include "base/config/shape.hpp"

#include "base/config/stray_keys.hpp"
#include "base/config/yaml_json.hpp"
#include "base/text/duration_text.hpp"
#include "base/yaml/fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace rouse {

namespace {

std::optional<double> real_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number < 1e15 && number > -1e15 ? std::optional(number) : std::nullopt;
}

bool is_one_of(std::string_view choices, std::string_view text) {
  while (true) {
    const std::size_t bar = choices.find('|');
    if (choices.substr(0, bar) == text) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
}

std::vector<std::string> choices_of(std::string_view choices) {
  std::vector<std::string> names;
  while (true) {
    const std::size_t bar = choices.find('|');
    if (bar != 0) names.emplace_back(choices.substr(0, bar));
    if (bar == std::string_view::npos) return names;
    choices.remove_prefix(bar + 1);
  }
}

/// "a, b or c"; an empty choice is not named.
std::string choices_text(std::string_view choices) {
  const std::vector<std::string> names = choices_of(choices);
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    out += i == 0 ? "" : i + 1 == names.size() ? " or " : ", ";
    out += names[i];
  }
  return out;
}

/// "from 1 to 9", "from 1 on", or nothing.
std::string range_text(const ConfigKey& key) {
  if (key.least <= std::numeric_limits<int>::min()) return {};
  if (key.most == std::numeric_limits<int>::max()) return fmt::format(" from {} on", key.least);
  return fmt::format(" from {} to {}", key.least, key.most);
}

/// The texts of a list with commas between them.
std::string joined_texts(const YamlNode& list) {
  std::string out;
  for (const YamlNode& item : list.items) out += (out.empty() ? "" : ", ") + item.text;
  return out;
}

/// The words of a list as one command line; empty: quotes would not do, or it is long.
std::string command_line(const YamlNode& list) {
  constexpr std::size_t kLongest = 200;
  std::string out;
  for (const YamlNode& item : list.items) {
    const bool is_plain = item.text.find_first_of(" \t\n'\"\\#") == std::string::npos;
    const bool fits_quotes = item.text.find_first_of("'\n") == std::string::npos;
    if (!item.is_scalar() || item.text.empty() || (!is_plain && !fits_quotes)) return {};
    out += (out.empty() ? "" : " ") + (is_plain ? item.text : "'" + item.text + "'");
  }
  // What YAML would misread without quotes around it.
  return out.size() > kLongest || out.find(": ") != std::string::npos ? std::string() : out;
}

/// What to write for a mapping of names whose entries were given as a list.
std::string entry_remedy(const YamlNode& list) {
  for (const YamlNode& item : list.items) {
    for (const char* const key : {"name", "id", "model", "model_name"}) {
      const YamlNode* const name = item.find(key);
      if (name == nullptr || !name->is_scalar()) continue;
      return fmt::format("instead of \"- {}: {}\" write \"{}:\", and its other keys indented below",
                         key, name->text, name->text);
    }
  }
  return "instead of each dash write a name and a colon, and its keys indented below";
}

class ShapeChecker {
 public:
  ShapeChecker(const ConfigTable& table, std::vector<Problem>& problems,
               std::vector<std::string>& unsupported)
      : table_(table), problems_(problems), unsupported_(unsupported) {}

  void check_top(const YamlNode& root) {
    strays_ = stray_keys(root, table_);
    for (const StrayKeys& each : strays_) {
      note(Problem::Severity::Error, each.place, "", each.text);
    }
    check_section(root, table_.top(), "", true);
  }

 private:
  void check_section(const YamlNode& node, const ConfigSection& section, const std::string& path,
                     bool supported) {
    if (node.is_null()) return;
    if (!node.is_map()) return not_a_section(node, section, path);
    for (const YamlNode::Member& member : node.members) {
      const std::string below = path.empty() ? member.key : path + "." + member.key;
      const ConfigKey* const key = section.find(member.key);
      if (key == nullptr) {
        unknown(member, section, below);
        continue;
      }
      if (supported && !key->works) unsupported_.push_back(below);
      check_value(member.value, *key, below, supported && key->works);
    }
  }

  void note(Problem::Severity severity, const SourcePlace& place, const std::string& path,
            std::string text) {
    problems_.push_back({severity, place, path, std::move(text)});
  }

  /// @p secret: in the wrong form, too, it is not to be shown. @p remedy: what to write instead.
  void expected(std::string_view what, const YamlNode& node, const std::string& path,
                bool secret = false, const std::string& remedy = {}) {
    std::string text = node.is_scalar() && !secret
                           ? fmt::format("expected {}, got \"{}\"", what, shortened(node.text))
                           : fmt::format("expected {}, got {}", what, node.kind_name());
    if (!remedy.empty()) text += ": " + remedy;
    note(Problem::Severity::Error, node.place, path, std::move(text));
  }

  void not_a_section(const YamlNode& node, const ConfigSection& section, const std::string& path,
                     bool secret = false) {
    if (node.is_list() && !section.old_list.empty()) {
      const std::string name = path.substr(path.rfind('.') + 1);
      return note(Problem::Severity::Error, node.place, path,
                  fmt::format(fmt::runtime(section.old_list), fmt::arg("name", name),
                              fmt::arg("items", joined_texts(node))));
    }
    expected(
        "a mapping", node, path, secret,
        fmt::format("{}its keys, such as \"{}:\", stand indented below it",
                    node.is_list() ? "leave the dashes out; " : "", section.keys.front().name));
  }

  void unknown(const YamlNode::Member& member, const ConfigSection& section,
               const std::string& path) {
    const bool is_top = &section == &table_.top();
    // What is there to lend an anchor, or says that it is the user's own, is no mistake.
    if (is_top && (member.lends || member.key.starts_with("x-"))) return;
    for (const StrayKeys& each : strays_) {
      if (is_top && each.names.contains(member.key)) return;
    }
    const bool is_fault = table_.unknown_key == Problem::Severity::Error;
    const std::string hint = likely_home(member, section, table_);
    note(table_.unknown_key, member.place, path,
         fmt::format("unknown key{}{}{}", is_fault ? "" : ", ignored", hint.empty() ? "" : "; ",
                     hint));
  }

  void check_value(const YamlNode& node, const ConfigKey& key, const std::string& path,
                   bool supported) {
    if (node.is_null()) return;
    switch (key.type) {
      case KeyType::Anything:
        return;
      case KeyType::Section:
        return check_section(node, table_.section(key.section), path, supported);
      case KeyType::SectionMap:
      case KeyType::TextMap:
      case KeyType::AnyMap:
        return check_map(node, key, path, supported);
      case KeyType::SectionList:
      case KeyType::KindList:
        return check_sections(node, key, path, supported);
      case KeyType::TextList:
        return check_list(node, key, path);
      case KeyType::TextOrList:
        if (node.is_list()) return check_list(node, key, path);
        break;
      case KeyType::Text:
      case KeyType::Bool:
      case KeyType::Number:
      case KeyType::Seconds:
      case KeyType::Real:
      case KeyType::Duration:
      case KeyType::Size:
        break;
    }
    if (!node.is_scalar()) return not_a_text(node, key, path);
    check_scalar(node, key, path);
  }

  void not_a_text(const YamlNode& node, const ConfigKey& key, const std::string& path) {
    if (key.type != KeyType::Text && key.type != KeyType::TextOrList) {
      return expected("one value", node, path, key.secret);
    }
    const std::string words = key.secret ? std::string() : command_line(node);
    std::string remedy = "write it as one";
    if (!words.empty()) remedy += ": " + words;
    if (node.is_map()) remedy = "put quotes around it if it is meant as a text";
    expected("one text", node, path, key.secret, remedy);
  }

  void check_map(const YamlNode& node, const ConfigKey& key, const std::string& path,
                 bool supported) {
    if (!node.is_map()) {
      return expected("a mapping", node, path, key.secret,
                      node.is_list() && key.type == KeyType::SectionMap && !key.secret
                          ? entry_remedy(node)
                          : fmt::format("{}names stand indented below it, each with a colon",
                                        node.is_list() ? "leave the dashes out; " : ""));
    }
    for (const YamlNode::Member& member : node.members) {
      const std::string below = path + "." + member.key;
      if (key.type == KeyType::TextMap) {
        if (!member.value.is_scalar()) expected("one text", member.value, below, key.secret);
      } else if (key.secret && member.value.is_scalar()) {
        not_a_section(member.value, table_.section(key.section), below, true);
      } else if (key.type == KeyType::SectionMap) {
        check_section(member.value, table_.section(key.section), below, supported);
      }
    }
  }

  void check_sections(const YamlNode& node, const ConfigKey& key, const std::string& path,
                      bool supported) {
    if (!node.is_list()) {
      return expected("a list", node, path, key.secret, list_remedy(node, key));
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string below = fmt::format("{}[{}]", path, i);
      if (key.type == KeyType::KindList) {
        check_kind(node.items[i], key, below, supported);
      } else {
        check_section(node.items[i], table_.section(key.section), below, supported);
      }
    }
  }

  std::string list_remedy(const YamlNode& node, const ConfigKey& key) const {
    std::string plain = "begin each entry with a dash and a space";
    if (key.type != KeyType::KindList) return plain;
    const std::vector<std::string> kinds = kinds_of(table_, key.section);
    for (const YamlNode::Member& member : node.members) {
      if (std::find(kinds.begin(), kinds.end(), member.key) == kinds.end()) continue;
      return fmt::format("instead of \"{}:\" write \"- kind: {}\", with its other keys below kind",
                         member.key, member.key);
    }
    return plain;
  }

  void check_kind(const YamlNode& item, const ConfigKey& key, const std::string& path,
                  bool supported) {
    const std::string kind = kind_of(item);
    const std::vector<std::string> kinds = kinds_of(table_, key.section);
    if (kind.empty()) {
      return note(Problem::Severity::Error, item.place, path,
                  fmt::format("has no kind, one of {}", fmt::join(kinds, ", ")));
    }
    const ConfigSection* const section =
        table_.find_section(fmt::format("{}_{}", key.section, kind));
    if (section == nullptr) {
      const std::string meant = did_you_mean(kind, kinds);
      return note(Problem::Severity::Error, item.place, path,
                  meant.empty()
                      ? fmt::format("\"{}\" is no kind; there are {}", kind, fmt::join(kinds, ", "))
                      : fmt::format("\"{}\" is no kind; did you mean \"{}\"?", kind, meant));
    }
    if (item.is_map()) check_section(item, *section, path, supported);
  }

  void check_list(const YamlNode& node, const ConfigKey& key, const std::string& path) {
    if (!node.is_list()) {
      const bool is_shown = node.is_scalar() && !key.secret && !node.text.empty();
      return expected("a list", node, path, key.secret,
                      is_shown ? fmt::format("write [{}]", shortened(node.text)) : std::string());
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const YamlNode& item = node.items[i];
      const std::string below = fmt::format("{}[{}]", path, i);
      // What is left empty is no entry, but where less of them would open a door.
      if (item.is_null() && !key.secret) continue;
      if (!item.is_scalar()) {
        expected("one text", item, below, key.secret,
                 item.is_map() ? std::string(key.for_mapping) : std::string());
      } else if (!key.one_of.empty() && !is_one_of(key.one_of, item.text)) {
        not_a_choice(item, key, below);
      }
    }
  }

  void not_a_choice(const YamlNode& node, const ConfigKey& key, const std::string& path) {
    const std::vector<std::string> choices = choices_of(key.one_of);
    const std::string meant = choices.size() > 1 ? did_you_mean(node.text, choices) : std::string();
    expected(choices_text(key.one_of), node, path, false,
             meant.empty() ? meant : fmt::format("did you mean \"{}\"?", meant));
  }

  void check_scalar(const YamlNode& node, const ConfigKey& key, const std::string& path) {
    if (key.type == KeyType::Bool && !parse_truth(node.text)) {
      return expected("true or false", node, path);
    }
    if (key.type == KeyType::Duration) return check_duration(node, key, path);
    if (key.type == KeyType::Size && !parse_size(node.text)) {
      return expected("a size such as 64MiB or a number of bytes", node, path);
    }
    if (key.type == KeyType::Real) return check_real(node, key, path);
    if (key.type == KeyType::Number || key.type == KeyType::Seconds) {
      return check_number(node, key, path);
    }
    if (!key.one_of.empty() && !is_one_of(key.one_of, node.text)) not_a_choice(node, key, path);
  }

  void check_duration(const YamlNode& node, const ConfigKey& key, const std::string& path) {
    if (parse_duration(node.text)) return;
    if (!key.one_of.empty() && is_one_of(key.one_of, node.text)) return;
    const std::string words = key.one_of.empty() ? "" : choices_text(key.one_of) + " or ";
    expected(words + "a duration such as 90s, 15min, 1h 30min or 250ms", node, path);
  }

  void check_real(const YamlNode& node, const ConfigKey& key, const std::string& path) {
    const auto number = real_number(node.text);
    const auto least = static_cast<double>(key.least);
    const bool bounded = key.least > std::numeric_limits<int>::min();
    if (number && (!bounded || *number >= least)) return;
    expected(bounded ? fmt::format("a number from {} on", key.least) : "a number", node, path);
  }

  void check_number(const YamlNode& node, const ConfigKey& key, const std::string& path) {
    const auto number = yaml_whole_number(node.text);
    if (number && *number >= key.least && *number <= key.most) return;
    const bool in_seconds = key.type == KeyType::Seconds;
    const std::string what = in_seconds ? "a whole number of seconds" : "a whole number";
    // A number that is out of range wants to know what the numbers mean.
    if (number) {
      return expected(what + range_text(key), node, path, false, std::string(key.text));
    }
    const auto span = in_seconds ? parse_duration(node.text) : std::nullopt;
    const bool is_whole = span && span->count() % 1000 == 0;
    if (!is_whole) return expected(what + range_text(key), node, path);
    expected(what, node, path, false,
             fmt::format("this key has no units: write {}", span->count() / 1000));
  }

  const ConfigTable& table_;
  std::vector<Problem>& problems_;
  std::vector<std::string>& unsupported_;
  std::vector<StrayKeys> strays_;
};

}  // namespace

void check_shape(const YamlNode& root, const ConfigTable& table, std::vector<Problem>& problems,
                 std::vector<std::string>& unsupported) {
  ShapeChecker(table, problems, unsupported).check_top(root);
}

std::string top_fault(const YamlNode& root, const ConfigTable& table) {
  if (root.is_map() || root.is_null()) return {};
  const std::string_view first = table.top().keys.front().name;
  if (root.is_list()) {
    return fmt::format(
        "expected a mapping, got a list: a configuration begins with a key such as "
        "\"{}:\"",
        first);
  }
  return fmt::format("{} (a configuration begins with a key such as \"{}:\")",
                     explain_lost_line(root.text.substr(0, root.text.find('\n')), "", 0,
                                       !is_about_secrets(root.text)),
                     first);
}

std::vector<std::string> kinds_of(const ConfigTable& table, std::string_view section) {
  const std::string prefix = std::string(section) + "_";
  std::vector<std::string> kinds;
  for (const ConfigSection& each : table.sections) {
    if (each.name.starts_with(prefix)) kinds.emplace_back(each.name.substr(prefix.size()));
  }
  return kinds;
}

std::string kind_of(const YamlNode& item) {
  if (item.is_scalar()) return item.text;
  const YamlNode* const kind = item.find("kind");
  return kind != nullptr && kind->is_scalar() ? kind->text : std::string();
}

}  // namespace rouse
