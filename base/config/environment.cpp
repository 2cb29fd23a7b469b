#include "base/config/environment.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <set>

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
    constexpr std::string_view kStart = "${env.";
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

}  // namespace

void expand_environment(YamlNode& node, const std::string& path, std::vector<Problem>& problems,
                        const std::function<void(YamlNode&, const std::string&)>& before) {
  Environment(problems, before).expand(node, path);
}

}  // namespace rouse
