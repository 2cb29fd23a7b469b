#include "base/config/shape.hpp"

#include "base/duration_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace rouse {

namespace {

std::optional<long long> whole_number(std::string_view text) {
  long long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

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

class ShapeChecker {
 public:
  ShapeChecker(const ConfigTable& table, std::vector<Problem>& problems,
               std::vector<std::string>& unsupported)
      : table_(table), problems_(problems), unsupported_(unsupported) {}

  void check_section(const YamlNode& node, const ConfigSection& section, const std::string& path,
                     bool supported) {
    if (node.is_null()) return;
    if (!node.is_map()) return expected("a mapping", node, path);
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

 private:
  void note(Problem::Severity severity, const SourcePlace& place, const std::string& path,
            std::string text) {
    problems_.push_back({severity, place, path, std::move(text)});
  }

  /// @p secret: in the wrong form, too, it is not to be shown.
  void expected(std::string_view what, const YamlNode& node, const std::string& path,
                bool secret = false) {
    note(Problem::Severity::Error, node.place, path,
         node.is_scalar() && !secret ? fmt::format("expected {}, got \"{}\"", what, node.text)
                                     : fmt::format("expected {}, got {}", what, node.kind_name()));
  }

  void unknown(const YamlNode::Member& member, const ConfigSection& section,
               const std::string& path) {
    std::vector<std::string> names;
    for (const ConfigKey& key : section.keys) names.emplace_back(key.name);
    const std::string meant = did_you_mean(member.key, names);
    // A block of the user's own at the top, to hold anchors, is no mistake.
    const bool holds_anchors = &section == &table_.top() && !member.value.is_scalar();
    if (meant.empty() && holds_anchors) return;
    const bool is_fault = table_.unknown_key == Problem::Severity::Error;
    const std::string_view text = is_fault ? "unknown key" : "unknown key, ignored";
    note(table_.unknown_key, member.place, path,
         meant.empty() ? std::string(text) : fmt::format("{}; did you mean \"{}\"?", text, meant));
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
      case KeyType::Real:
      case KeyType::Duration:
      case KeyType::Size:
        break;
    }
    if (!node.is_scalar()) return expected("a value", node, path, key.secret);
    check_scalar(node, key, path);
  }

  void check_map(const YamlNode& node, const ConfigKey& key, const std::string& path,
                 bool supported) {
    if (!node.is_map()) return expected("a mapping", node, path, key.secret);
    for (const YamlNode::Member& member : node.members) {
      const std::string below = path + "." + member.key;
      if (key.type == KeyType::TextMap) {
        if (!member.value.is_scalar()) expected("a value", member.value, below, key.secret);
      } else if (key.secret && member.value.is_scalar()) {
        expected("a mapping", member.value, below, true);
      } else if (key.type == KeyType::SectionMap) {
        check_section(member.value, table_.section(key.section), below, supported);
      }
    }
  }

  void check_sections(const YamlNode& node, const ConfigKey& key, const std::string& path,
                      bool supported) {
    if (!node.is_list()) return expected("a list", node, path, key.secret);
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const std::string below = fmt::format("{}[{}]", path, i);
      if (key.type == KeyType::KindList) {
        check_kind(node.items[i], key, below, supported);
      } else {
        check_section(node.items[i], table_.section(key.section), below, supported);
      }
    }
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
    if (!node.is_list()) return expected("a list", node, path, key.secret);
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const YamlNode& item = node.items[i];
      const std::string below = fmt::format("{}[{}]", path, i);
      if (!item.is_scalar()) {
        expected("a value", item, below, key.secret);
      } else if (!key.one_of.empty() && !is_one_of(key.one_of, item.text)) {
        expected(fmt::format("one of {}", key.one_of), item, below);
      }
    }
  }

  void check_scalar(const YamlNode& node, const ConfigKey& key, const std::string& path) {
    if (key.type == KeyType::Bool && !parse_truth(node.text)) {
      return expected("true or false", node, path);
    }
    if (key.type == KeyType::Duration && !parse_duration(node.text)) {
      return expected("a duration such as 90s, 250ms or 1m30s", node, path);
    }
    if (key.type == KeyType::Size && !parse_size(node.text)) {
      return expected("a size such as 64MiB or a number of bytes", node, path);
    }
    if (key.type == KeyType::Real) {
      const auto number = real_number(node.text);
      const auto least = static_cast<double>(key.least);
      const bool bounded = key.least > std::numeric_limits<int>::min();
      if (number && (!bounded || *number >= least)) return;
      return expected(bounded ? fmt::format("a number from {} on", key.least) : "a number", node,
                      path);
    }
    if (key.type == KeyType::Number) {
      const auto number = whole_number(node.text);
      if (number && *number >= key.least && *number <= key.most) return;
      const bool bounded = key.least > std::numeric_limits<int>::min();
      return expected(bounded ? fmt::format("a whole number from {}{}", key.least,
                                            key.most == std::numeric_limits<int>::max()
                                                ? " on"
                                                : fmt::format(" to {}", key.most))
                              : std::string("a whole number"),
                      node, path);
    }
    if (!key.one_of.empty() && !is_one_of(key.one_of, node.text)) {
      expected(fmt::format("one of {}", key.one_of), node, path);
    }
  }

  const ConfigTable& table_;
  std::vector<Problem>& problems_;
  std::vector<std::string>& unsupported_;
};

}  // namespace

void check_shape(const YamlNode& root, const ConfigTable& table, std::vector<Problem>& problems,
                 std::vector<std::string>& unsupported) {
  ShapeChecker(table, problems, unsupported).check_section(root, table.top(), "", true);
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
