#include "base/yaml_tree.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <numeric>

namespace rouse {

namespace {

constexpr std::size_t kNodesMax = 200'000;
constexpr int kDepthMax = 60;

class Converter {
 public:
  Converter(const std::string& file, std::vector<Problem>& problems)
      : file_(file), problems_(problems) {}

  YamlNode convert(const YAML::Node& node, const std::string& path, int depth) {
    YamlNode out;
    out.place = place_of(node.Mark());
    if (overflowed_) return out;
    if (++nodes_ > kNodesMax || depth > kDepthMax) {
      overflowed_ = true;
      note(out.place, path,
           depth > kDepthMax ? "nested too deeply" : "too large: do aliases multiply?");
      return out;
    }
    if (node.IsScalar()) {
      out.kind = YamlNode::Kind::Scalar;
      out.text = node.Scalar();
      out.quoted = node.Tag() == "!";
    } else if (node.IsSequence()) {
      out.kind = YamlNode::Kind::List;
      std::size_t i = 0;
      for (const YAML::Node& item : node) {
        out.items.push_back(convert(item, fmt::format("{}[{}]", path, i++), depth + 1));
      }
    } else if (node.IsMap()) {
      out.kind = YamlNode::Kind::Map;
      convert_map(node, path, depth, out);
    }
    return out;
  }

 private:
  SourcePlace place_of(const YAML::Mark& mark) const {
    if (mark.is_null()) return {file_, 0, 0};
    return {file_, mark.line + 1, mark.column + 1};
  }

  void note(const SourcePlace& place, const std::string& path, std::string text) {
    problems_.push_back({Problem::Severity::Error, place, path, std::move(text)});
  }

  void convert_map(const YAML::Node& node, const std::string& path, int depth, YamlNode& out) {
    std::vector<std::pair<YamlNode, SourcePlace>> merged;
    for (const auto& pair : node) {
      const SourcePlace place = place_of(pair.first.Mark());
      if (!pair.first.IsScalar()) {
        note(place, path, "a key must be a plain value");
        continue;
      }
      const std::string key = pair.first.Scalar();
      const std::string below = path.empty() ? key : path + "." + key;
      YamlNode value = convert(pair.second, below, depth + 1);
      // Of an empty value yaml-cpp gives the place of what comes next.
      if (value.is_null()) value.place = place;
      if (key == "<<" && pair.first.Tag() != "!") {
        merged.emplace_back(std::move(value), place);
        continue;
      }
      // yaml-cpp itself takes the first of two equal keys and says nothing.
      if (const YamlNode* earlier = out.find(key)) {
        note(place, below,
             fmt::format("this key was already given in line {}", earlier->place.line));
        continue;
      }
      out.members.push_back({key, place, std::move(value)});
    }
    for (auto& [source, place] : merged) merge(source, place, path, out);
  }

  /// `<<`: what is not there yet comes from the mapping, or from each of a list in turn.
  void merge(YamlNode& source, const SourcePlace& place, const std::string& path, YamlNode& out) {
    if (source.is_list()) {
      for (YamlNode& each : source.items) merge(each, place, path, out);
      return;
    }
    if (!source.is_map()) return note(place, path, "<< wants a mapping or a list of mappings");
    for (YamlNode::Member& member : source.members) {
      if (out.find(member.key) == nullptr) out.members.push_back(std::move(member));
    }
  }

  const std::string& file_;
  std::vector<Problem>& problems_;
  std::size_t nodes_ = 0;
  bool overflowed_ = false;
};

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

YamlNode read_yaml(const std::string& text, const std::string& file,
                   std::vector<Problem>& problems) {
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.empty()) return {};
    if (documents.size() > 1) {
      problems.push_back({Problem::Severity::Error,
                          {file, 0, 0},
                          "",
                          "holds several documents (\"---\"); one is expected"});
    }
    return Converter(file, problems).convert(documents.front(), "", 0);
  } catch (const YAML::Exception& error) {
    const bool placed = !error.mark.is_null();
    problems.push_back(
        {Problem::Severity::Error,
         {file, placed ? error.mark.line + 1 : 0, placed ? error.mark.column + 1 : 0},
         "",
         "this is not YAML: " + error.msg});
  }
  return {};
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
