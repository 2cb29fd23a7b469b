#include "base/yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <exception>
#include <numeric>
#include <sstream>
#include <unordered_map>

namespace rouse {

namespace {

constexpr std::size_t kNodesMax = 200'000;
constexpr int kDepthMax = 60;
constexpr std::size_t kBytesMax = 64 * 1024 * 1024;  // of all texts and paths, aliases spelled out

class Converter {
 public:
  Converter(const std::string& source, const std::string& file, std::vector<Problem>& problems)
      : source_(source), file_(file), problems_(problems) {}

  YamlNode convert(const YAML::Node& node, const std::string& path, int depth) {
    YamlNode out;
    out.place = place_of(node.Mark());
    if (!fits(node, path, depth, out.place)) return out;
    if (node.IsScalar()) {
      out.kind = YamlNode::Kind::Scalar;
      out.text = node.Scalar();
      out.quoted = node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str";
      out.text_column = text_column(node.Mark(), out.text);
      refuse_nul(out.text, out.place, path);
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

 private:
  using Seen = std::unordered_map<std::string, int>;  // key -> its line

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
    return {file_, mark.line + 1, mark.column + 1};
  }

  /// Anchors, escapes, block scalars and folded lines make the text differ from the file's.
  int text_column(const YAML::Mark& mark, const std::string& text) const {
    if (mark.is_null() || mark.pos < 0 || text.find('\n') != std::string::npos) return 0;
    const auto at = static_cast<std::size_t>(mark.pos);
    if (at >= source_.size()) return 0;
    const bool in_quotes = source_[at] == '"' || source_[at] == '\'';
    const std::size_t start = at + (in_quotes ? 1 : 0);
    if (source_.compare(start, text.size(), text) != 0) return 0;
    return mark.column + (in_quotes ? 2 : 1);
  }

  void note(const SourcePlace& place, const std::string& path, std::string text) {
    problems_.push_back({Problem::Severity::Error, place, path, std::move(text)});
  }

  /// No path, argument or environment can hold one: it would be cut there without a word.
  void refuse_nul(std::string& text, const SourcePlace& place, const std::string& path) {
    if (text.find('\0') == std::string::npos) return;
    std::erase(text, '\0');
    note(place, path, "holds a NUL character");
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
      std::string key = pair.first.Scalar();
      refuse_nul(key, place, path);
      const std::string below = path.empty() ? key : path + "." + key;
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
        note(place, below, fmt::format("this key was already given in line {}", earlier->second));
        continue;
      }
      out.members.push_back({std::move(key), place, std::move(value)});
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
  std::vector<Problem>& problems_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
  bool overflowed_ = false;
};

/// Takes no notice.
class NullHandler final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

/// Not by YAML::LoadAll(), which never ends on text such as "--- ,": the parser makes an empty
/// document of it again and again.
bool has_more_than_one_document(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  NullHandler handler;
  return parser.HandleNextDocument(handler) && parser.HandleNextDocument(handler);
}

/// How many letters must change to turn one word into the other (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  std::erase(out, '_');
  std::erase(out, '-');
  return out;
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
  try {
    const YAML::Node document = YAML::Load(text);
    if (has_more_than_one_document(text)) {
      problems.push_back({Problem::Severity::Error,
                          {file, 0, 0},
                          "",
                          "goes on after its first document (\"---\"?); one is expected"});
    }
    return Converter(text, file, problems).convert(document, "", 0);
  } catch (const YAML::Exception& error) {
    const bool placed = !error.mark.is_null();
    problems.push_back(
        {Problem::Severity::Error,
         {file, placed ? error.mark.line + 1 : 0, placed ? error.mark.column + 1 : 0},
         "",
         "this is not YAML: " + error.msg});
  } catch (const std::exception& error) {  // the library, on text that it did not expect
    problems.push_back({Problem::Severity::Error,
                        {file, 0, 0},
                        "",
                        fmt::format("cannot be read: {}", error.what())});
  }
  return {};
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

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names) {
  const std::string wanted = lowered(name);
  std::string best;
  // A third of the letters may be wrong, and one may always be.
  std::size_t best_distance = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  for (const std::string& candidate : names) {
    const std::size_t apart = distance(wanted, lowered(candidate));
    if (apart < best_distance && apart < candidate.size()) {
      best = candidate;
      best_distance = apart;
    }
  }
  return best;
}

}  // namespace rouse
