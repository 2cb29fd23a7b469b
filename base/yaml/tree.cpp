#include "base/yaml/tree.hpp"

#include "base/text/utf8.hpp"
#include "base/yaml/anchors.hpp"
#include "base/yaml/braces.hpp"
#include "base/yaml/bytes.hpp"
#include "base/yaml/fault.hpp"
#include "base/yaml/scan.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <exception>
#include <optional>
#include <set>
#include <sstream>
#include <tuple>
#include <unordered_map>

namespace rouse {

namespace {

constexpr std::size_t kNodesMax = 200'000;
constexpr int kDepthMax = 60;
constexpr std::size_t kBytesMax = 64 * 1024 * 1024;  // of all texts and paths, aliases spelled out
// Letters are counted so far into a line; beyond, bytes must do.
constexpr std::size_t kCountedMax = 1000;

class Converter {
 public:
  Converter(const std::string& source, const std::string& file, const std::set<int>& lenders,
            std::vector<Problem>& problems)
      : source_(source),
        file_(file),
        lenders_(lenders),
        is_ascii_(
            std::all_of(source.begin(), source.end(), [](char c) { return (c & 0x80) == 0; })),
        problems_(problems) {}

  /// Null when a quote has swallowed the rest of the file, so that nobody knows what it has.
  YamlNode convert(const YAML::Node& document) {
    YamlNode root = convert(document, "", 0);
    return has_open_quote_ ? YamlNode() : root;
  }

 private:
  using Seen = std::unordered_map<std::string, int>;  // key -> its line

  YamlNode convert(const YAML::Node& node, const std::string& path, int depth) {
    YamlNode out;
    out.place = place_of(node.Mark());
    if (!fits(node, path, depth, out.place)) return out;
    if (node.IsScalar()) {
      out.kind = YamlNode::Kind::Scalar;
      out.text_column = text_column(node.Mark(), node.Scalar());
      out.text = with_braces(node.Scalar());
      out.quoted = node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str";
      refuse_nul(out.text, out.place, path);
      refuse_open_quote(node, out.place, path);
      note_tag(node, out.place, path);
    } else if (node.IsSequence()) {
      out.kind = YamlNode::Kind::List;
      std::size_t i = 0;
      for (const YAML::Node& item : node) {
        out.items.push_back(convert(item, fmt::format("{}[{}]", path, i++), depth + 1));
        if (overflowed_) break;
      }
    } else if (node.IsMap()) {
      out.kind = YamlNode::Kind::Map;
      convert_map(node, path, depth, out);
    }
    return out;
  }

  bool fits(const YAML::Node& node, const std::string& path, int depth, const SourcePlace& place) {
    if (overflowed_) return false;
    bytes_ += path.size() + (node.IsScalar() ? node.Scalar().size() : 0);
    const bool too_deep = depth > kDepthMax;
    if (++nodes_ <= kNodesMax && bytes_ <= kBytesMax && !too_deep) return true;
    overflowed_ = true;
    note(place, path, too_deep ? "nested too deeply" : "too large: do aliases multiply?");
    return false;
  }

  SourcePlace place_of(const YAML::Mark& mark) const {
    if (mark.is_null()) return {file_, 0, 0};
    return {file_, mark.line + 1, column_of(mark)};
  }

  /// In letters; the library counts bytes.
  int column_of(const YAML::Mark& mark) const {
    const auto before = static_cast<std::size_t>(mark.column);
    const auto at = static_cast<std::size_t>(mark.pos);
    if (is_ascii_ || before > kCountedMax || before > at || at > source_.size()) {
      return mark.column + 1;
    }
    return static_cast<int>(utf8_count(std::string_view(source_).substr(at - before, before))) + 1;
  }

  /// Anchors, escapes, block scalars and folded lines make the text differ from the file's.
  int text_column(const YAML::Mark& mark, const std::string& text) const {
    if (mark.is_null() || mark.pos < 0 || text.find('\n') != std::string::npos) return 0;
    const auto at = static_cast<std::size_t>(mark.pos);
    if (at >= source_.size()) return 0;
    const bool in_quotes = source_[at] == '"' || source_[at] == '\'';
    const std::size_t start = at + (in_quotes ? 1 : 0);
    if (source_.compare(start, text.size(), text) != 0) return 0;
    return column_of(mark) + (in_quotes ? 1 : 0);
  }

  void note(const SourcePlace& place, const std::string& path, std::string text) {
    problems_.push_back({Problem::Severity::Error, place, path, with_braces(std::move(text))});
  }

  /// No path, argument or environment can hold one: it would be cut there without a word.
  void refuse_nul(std::string& text, const SourcePlace& place, const std::string& path) {
    if (text.find('\0') == std::string::npos) return;
    std::erase(text, '\0');
    note(place, path, "holds a NUL character");
  }

  /// The library takes a quote that nothing closes, with all that follows it in the file.
  void refuse_open_quote(const YAML::Node& node, const SourcePlace& place,
                         const std::string& path) {
    if (node.Mark().is_null() || node.Mark().pos < 0) return;
    const auto at = static_cast<std::size_t>(node.Mark().pos);
    const bool is_quote = at < source_.size() && (source_[at] == '"' || source_[at] == '\'');
    if (!is_quote || end_of_quoted(source_, at) != std::string::npos) return;
    has_open_quote_ = true;
    note(place, path,
         fmt::format(
             "the quote ({}) that begins here is never closed: put another at the end of the "
             "text",
             source_[at]));
  }

  /// "!" begins a tag, and what is in it is no part of the text.
  void note_tag(const YAML::Node& node, const SourcePlace& place, const std::string& path) {
    const std::string& tag = node.Tag();
    if (!tag.starts_with('!') || tag == "!") return;
    problems_.push_back({Problem::Severity::Warning, place, path,
                         fmt::format("{} is a tag to YAML and no part of the text: put the whole "
                                     "value in quotes",
                                     with_braces(tag))});
  }

  /// The library takes a line without a colon for a key without a value. Whether it is one, and
  /// was told.
  bool refuse_lost_line(const YAML::Node& key, const YamlNode& out, const SourcePlace& place,
                        const std::string& path) {
    if (key.Mark().is_null() || key.Mark().pos < 0) return false;
    const auto at = static_cast<std::size_t>(key.Mark().pos);
    const std::string& text = key.Scalar();
    if (text.empty() || source_.compare(at, text.size(), text) != 0) return false;
    // "? key" is one without a colon, and so is {key}.
    const std::size_t before = at == 0 ? at : source_.find_last_not_of(" \t", at - 1);
    const bool begins_line =
        at == 0 || before == std::string::npos || source_[before] == '\n' || source_[before] == '-';
    const std::size_t behind = source_.find_first_not_of(" \t\r", at + text.size());
    const bool ends_line =
        behind == std::string::npos || source_[behind] == '\n' || source_[behind] == '#';
    if (!begins_line || !ends_line) return false;
    const YamlNode::Member* const above = out.members.empty() ? nullptr : &out.members.back();
    const bool goes_on = above != nullptr && above->value.is_scalar();
    note(place, path,
         explain_lost_line(text, goes_on ? std::string_view(above->key) : std::string_view(),
                           goes_on ? above->place.line : 0,
                           !is_about_secrets(path) && !is_about_secrets(text)));
    return true;
  }

  void convert_map(const YAML::Node& node, const std::string& path, int depth, YamlNode& out) {
    Seen seen;
    std::vector<std::pair<YamlNode, SourcePlace>> merged;
    for (const auto& pair : node) {
      if (overflowed_) return;
      const SourcePlace place = place_of(pair.first.Mark());
      if (!pair.first.IsScalar()) {
        note(place, path, "a key must be a plain value");
        continue;
      }
      std::string key = with_braces(pair.first.Scalar());
      refuse_nul(key, place, path);
      const std::string below = path.empty() ? key : path + "." + key;
      if (pair.second.IsNull() && refuse_lost_line(pair.first, out, place, path)) continue;
      YamlNode value = convert(pair.second, below, depth + 1);
      // Of an empty value yaml-cpp gives the place of what comes next.
      if (value.is_null()) value.place = place;
      if (key == "<<" && pair.first.Tag() != "!") {
        merged.emplace_back(std::move(value), place);
        continue;
      }
      // yaml-cpp itself takes the first of two equal keys and says nothing.
      const auto [earlier, fresh] = seen.emplace(key, place.line);
      if (!fresh) {
        note(place, below,
             fmt::format("this key was already given in line {}: keep one "
                         "of them",
                         earlier->second));
        continue;
      }
      const bool lends = depth == 0 && lenders_.contains(pair.first.Mark().pos);
      out.members.push_back({std::move(key), place, std::move(value), lends});
    }
    for (auto& [source, place] : merged) merge(source, place, path, seen, out);
  }

  /// `<<`: what is not there yet comes from the mapping, or from each of a list in turn.
  void merge(YamlNode& source, const SourcePlace& place, const std::string& path, Seen& seen,
             YamlNode& out) {
    if (source.is_list()) {
      for (YamlNode& each : source.items) merge(each, place, path, seen, out);
      return;
    }
    if (!source.is_map()) return note(place, path, "<< wants a mapping or a list of mappings");
    for (YamlNode::Member& member : source.members) {
      if (seen.emplace(member.key, member.place.line).second) {
        out.members.push_back(std::move(member));
      }
    }
  }

  const std::string& source_;
  const std::string& file_;
  const std::set<int>& lenders_;
  bool is_ascii_;
  bool has_open_quote_ = false;
  std::vector<Problem>& problems_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
  bool overflowed_ = false;
};

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// The line of the first order (%…) that YAML does not have, which the library would pass over; 0:
/// there is none.
int unknown_directive(std::string_view text) {
  int number = 0;
  for (const std::string_view line : lines_of(text)) {
    ++number;
    if (!says_something(line)) continue;
    if (!line.starts_with('%')) return 0;
    if (!line.starts_with("%YAML ") && !line.starts_with("%TAG ")) return number;
  }
  return 0;
}

/// @p line: where a second document begins, from 0 on.
std::string explain_second_document(std::string_view text, int line) {
  const std::vector<std::string_view> lines = lines_of(text);
  const auto at = std::min(static_cast<std::size_t>(line), lines.size() - 1);
  if (lines[at].starts_with("---")) {
    return "a second document begins here (---), and a configuration is one: remove the line";
  }
  const auto first = std::find_if(lines.begin(), lines.end(), says_something);
  if (first != lines.end() && first->starts_with('[')) {
    return "the configuration has ended with the ] above: is this TOML? It must be YAML";
  }
  if (first != lines.end() && indent_of(*first) > indent_of(lines[at])) {
    return fmt::format(
        "indented by {}, less than the first line of the configuration (line {}): "
        "begin both in the same column",
        indent_of(lines[at]), first - lines.begin() + 1);
  }
  return "the configuration has ended above this line: remove what follows, or what ends it";
}

}  // namespace

std::string Problem::str() const {
  std::string out = place.file;
  if (place.line > 0) out += fmt::format(":{}:{}", place.line, place.column);
  if (!out.empty()) out += ": ";
  if (!path.empty()) out += path + ": ";
  if (severity == Severity::Warning) out += "warning: ";
  return out + text;
}

const YamlNode* YamlNode::find(std::string_view key) const {
  const auto it = std::find_if(members.begin(), members.end(),
                               [&](const Member& member) { return member.key == key; });
  return it == members.end() ? nullptr : &it->value;
}

YamlNode* YamlNode::find(std::string_view key) {
  return const_cast<YamlNode*>(std::as_const(*this).find(key));
}

std::string_view YamlNode::kind_name() const {
  switch (kind) {
    case Kind::Null:
      return "nothing";
    case Kind::Scalar:
      return "a value";
    case Kind::List:
      return "a list";
    case Kind::Map:
      return "a mapping";
  }
  return "nothing";
}

SourcePlace YamlNode::place_of(std::size_t at) const {
  if (text_column == 0) return place;
  return {place.file, place.line, text_column + static_cast<int>(at)};
}

YamlNode read_yaml(const std::string& text, const std::string& file,
                   std::vector<Problem>& problems) {
  const auto note = [&](int line, int column, std::string words) {
    problems.push_back({Problem::Severity::Error, {file, line, column}, "", std::move(words)});
  };
  if (const auto fault = find_byte_fault(text)) {
    note(fault->line, fault->column, fault->text);
    return {};
  }
  const std::string plain = text.starts_with(kByteOrderMark) ? text.substr(3) : text;
  if (const int line = unknown_directive(plain)) {
    note(line, 1,
         "a line that begins with % is an order to YAML, and not one that it knows: remove it, or "
         "put "
         "quotes around the text");
    return {};
  }
  try {
    const std::string readable = without_braces(plain);
    const YAML::Node document = YAML::Load(readable);
    std::istringstream stream(readable);
    AnchorFinder anchors;
    // Not by YAML::LoadAll(), which never ends on text such as "--- ,": the parser makes an empty
    // document of it again and again.
    YAML::Parser parser(stream);
    AnchorFinder next;
    if (parser.HandleNextDocument(anchors) && parser.HandleNextDocument(next)) {
      note(next.start().line + 1, 1, explain_second_document(plain, next.start().line));
      return {};
    }
    std::vector<Problem> found;
    YamlNode root = Converter(readable, file, anchors.lenders(), found).convert(document);
    // What aliases repeat is wrong in one place.
    std::set<std::tuple<int, int, std::string>> told;
    for (Problem& problem : found) {
      const bool fresh =
          told.emplace(problem.place.line, problem.place.column, problem.text).second;
      if (fresh) problems.push_back(std::move(problem));
    }
    return root;
  } catch (const YAML::Exception& error) {
    if (error.mark.is_null()) {
      note(0, 0, fmt::format("YAML cannot read it ({})", error.msg));
    } else {
      YamlFault fault =
          explain_yaml_fault(plain, error.mark.line + 1, error.mark.column + 1, error.msg);
      note(fault.line, fault.column, std::move(fault.text));
    }
  } catch (const std::exception& error) {  // the library, on text that it did not expect
    note(0, 0, fmt::format("cannot be read: {}", error.what()));
  }
  return {};
}

bool has_errors(const std::vector<Problem>& problems, std::size_t first) {
  return std::any_of(
      problems.begin() + static_cast<std::ptrdiff_t>(first), problems.end(),
      [](const Problem& problem) { return problem.severity == Problem::Severity::Error; });
}

void for_each_scalar(YamlNode& node, const std::string& path,
                     const std::function<void(YamlNode&, const std::string&)>& visit) {
  if (node.is_scalar()) visit(node, path);
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    for_each_scalar(node.items[i], fmt::format("{}[{}]", path, i), visit);
  }
  for (YamlNode::Member& member : node.members) {
    for_each_scalar(member.value, path.empty() ? member.key : path + "." + member.key, visit);
  }
}

}  // namespace rouse
