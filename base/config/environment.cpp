#include "base/config/environment.hpp"

#include "base/text/secrets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <tuple>

namespace rouse {

namespace {

bool is_name(std::string_view text) {
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (text.empty() || !is_letter(text.front())) return false;
  for (const char c : text) {
    if (!is_letter(c) && !(c >= '0' && c <= '9')) return false;
  }
  return true;
}

constexpr std::string_view kStart = "${env.";

class Environment {
 public:
  Environment(std::vector<Problem>& problems,
              const std::function<void(YamlNode&, const std::string&)>& before)
      : problems_(problems), before_(before) {}

  void expand(YamlNode& node, const std::string& path) {
    if (node.is_scalar()) {
      if (before_) before_(node, path);
      if (put_in(node.text, node.place, path)) node.text_column = 0;
    }
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      expand(node.items[i], fmt::format("{}[{}]", path, i));
    }
    bool renamed = false;
    for (YamlNode::Member& member : node.members) {
      if (put_in(member.key, member.place, path)) renamed = true;
      expand(member.value, path.empty() ? member.key : path + "." + member.key);
    }
    if (renamed) refuse_twins(node, path);
  }

 private:
  /// Whether @p text has changed.
  bool put_in(std::string& text, const SourcePlace& place, const std::string& path) {
    std::size_t at = text.find(kStart);
    if (at == std::string::npos) return false;
    std::string out;
    std::size_t done = 0;
    for (; at != std::string::npos; at = text.find(kStart, at + 1)) {
      const std::size_t end = text.find('}', at);
      if (end == std::string::npos) break;
      const std::string name = text.substr(at + kStart.size(), end - at - kStart.size());
      if (!is_name(name)) continue;
      out += text.substr(done, at - done);
      out += value_of(name, place, path);
      done = end + 1;
      at = end;
    }
    out += text.substr(done);
    const bool changed = out != text;
    text = std::move(out);
    return changed;
  }

  std::string value_of(const std::string& name, const SourcePlace& place, const std::string& path) {
    const char* const value = std::getenv(name.c_str());
    const std::string_view text = value == nullptr ? std::string_view() : value;
    if (value == nullptr) {
      note(place, path, fmt::format("environment variable '{}' is not set", name));
    } else if (text.find_first_of("\r\n") != std::string_view::npos) {
      note(place, path, fmt::format("environment variable '{}' holds a line end", name));
    } else if (names_variable(text)) {
      // It would look like one that is not set, and faults of such a value are not told.
      note(place, path, fmt::format("environment variable '{}' names another one", name));
    } else {
      return std::string(text);
    }
    return fmt::format("${{env.{}}}", name);
  }

  /// Keys that were different before.
  void refuse_twins(YamlNode& node, const std::string& path) {
    std::set<std::string> seen;
    std::erase_if(node.members, [&](const YamlNode::Member& member) {
      if (seen.insert(member.key).second) return false;
      note(member.place, path, fmt::format("\"{}\" is given twice", member.key));
      return true;
    });
  }

  void note(const SourcePlace& place, const std::string& path, std::string text) {
    problems_.push_back({Problem::Severity::Error, place, path, std::move(text)});
  }

  std::vector<Problem>& problems_;
  const std::function<void(YamlNode&, const std::string&)>& before_;
};

using Spot = std::tuple<std::string, int, int>;

Spot spot_of(const SourcePlace& place) {
  return {place.file, place.line, place.column};
}

void add_unknown(const YamlNode& node, std::set<Spot>& spots) {
  if (node.is_scalar() && names_variable(node.text)) spots.insert(spot_of(node.place));
  for (const YamlNode& item : node.items) add_unknown(item, spots);
  for (const YamlNode::Member& member : node.members) {
    if (names_variable(member.key)) spots.insert(spot_of(member.place));
    add_unknown(member.value, spots);
  }
}

}  // namespace

bool names_variable(std::string_view text) {
  bool names = false;
  for_each_variable(text, [&](const std::string&, std::size_t, std::size_t) { names = true; });
  return names;
}

void for_each_variable(
    std::string_view text,
    const std::function<void(const std::string& name, std::size_t at, std::size_t size)>& visit) {
  for (std::size_t at = text.find(kStart); at != std::string_view::npos;
       at = text.find(kStart, at + 1)) {
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) return;
    const std::string name(text.substr(at + kStart.size(), end - at - kStart.size()));
    if (is_name(name)) visit(name, at, end + 1 - at);
  }
}

bool is_everybodys_variable(std::string_view name) {
  constexpr std::array<std::string_view, 11> kNames = {
      "HOME", "PATH",   "USER", "LOGNAME",  "SHELL",          "LANG",
      "TZ",   "TMPDIR", "PWD",  "HOSTNAME", "LD_LIBRARY_PATH"};
  constexpr std::array<std::string_view, 6> kBeginnings = {"LC_",  "XDG_",  "CUDA_",
                                                           "HIP_", "ROCR_", "NVIDIA_"};
  if (is_secret_name(name)) return false;
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         std::any_of(kBeginnings.begin(), kBeginnings.end(),
                     [&](std::string_view begin) { return name.starts_with(begin); });
}

void add_variables(const YamlNode& node, std::set<std::string, std::less<>>& names) {
  if (node.is_scalar()) {
    for_each_variable(node.text, [&](const std::string& name, std::size_t, std::size_t) {
      if (!is_everybodys_variable(name)) names.insert(name);
    });
  }
  for (const YamlNode& item : node.items) add_variables(item, names);
  for (const YamlNode::Member& member : node.members) add_variables(member.value, names);
}

void drop_follow_ups(const YamlNode& root, std::size_t from, std::vector<Problem>& problems) {
  std::set<Spot> spots;
  add_unknown(root, spots);
  if (spots.empty()) return;
  const auto first = problems.begin() + static_cast<std::ptrdiff_t>(from);
  problems.erase(
      std::remove_if(first, problems.end(),
                     [&](const Problem& each) { return spots.contains(spot_of(each.place)); }),
      problems.end());
}

void expand_environment(YamlNode& node, const std::string& path, std::vector<Problem>& problems,
                        const std::function<void(YamlNode&, const std::string&)>& before) {
  Environment(problems, before).expand(node, path);
}

}  // namespace rouse
