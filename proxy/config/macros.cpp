#include "proxy/config/macros.hpp"

#include "proxy/config/command_line.hpp"
#include "proxy/config/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <functional>
#include <map>
#include <set>

namespace rouse {

namespace {

constexpr std::size_t kNameMax = 63;
constexpr std::size_t kExpansionMax = 1024 * 1024;
constexpr int kPortMax = 65535;

struct Macro {
  std::string name;
  std::string text;
};
using Scope = std::vector<Macro>;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

std::string reference(std::string_view name) {
  return "${" + std::string(name) + "}";
}

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
    if (text.size() > kExpansionMax) return;
  }
}

/// Calls @p visit for each scalar below @p node, with its path.
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

/// The first ${name} in @p text, or empty. Text such as ${x:-y} is no macro.
std::string leftover(std::string_view text) {
  for (std::size_t at = text.find("${"); at != std::string_view::npos;
       at = text.find("${", at + 2)) {
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos) return {};
    const std::string_view name = text.substr(at + 2, end - at - 2);
    if (!name.empty() && std::all_of(name.begin(), name.end(), is_name_char))
      return std::string(name);
  }
  return {};
}

class Expander {
 public:
  Expander(YamlNode& root, std::vector<Problem>& problems) : root_(root), problems_(problems) {}

  void run() {
    if (!root_.is_map()) return;
    YamlNode* models = root_.find("models");
    if (models != nullptr && models->is_map()) {
      for (YamlNode::Member& model : models->members) strip_comments(model.value);
    }
    const Scope globals = read_macros(root_.find("macros"), "macros", "");
    for (YamlNode::Member& member : root_.members) {
      if (member.key == "models" || member.key == "macros") continue;
      for_each_scalar(member.value, member.key,
                      [&](YamlNode& node, const std::string&) { substitute(node, globals); });
    }
    if (models != nullptr && models->is_map()) expand_models(*models, globals);
    report_leftovers();
  }

 private:
  void note(const SourcePlace& place, const std::string& path, std::string text) {
    problems_.push_back({Problem::Severity::Error, place, path, std::move(text)});
  }

  static void strip_comments(YamlNode& model) {
    for (const char* const key : {"cmd", "cmdStop"}) {
      YamlNode* node = model.find(key);
      if (node != nullptr && node->is_scalar()) node->text = without_comment_lines(node->text);
    }
  }

  Scope read_macros(const YamlNode* node, const std::string& path, const std::string& prefix) {
    Scope scope;
    if (node == nullptr || !node->is_map()) return scope;
    for (const YamlNode::Member& member : node->members) {
      const std::string below = path + "." + member.key;
      const std::string& name = member.key;
      const bool fits = !name.empty() && name.size() <= kNameMax &&
                        std::all_of(name.begin(), name.end(), is_name_char);
      if (!fits) {
        note(member.place, below, prefix + "a macro's name is up to 63 letters, digits, _ and -");
      } else if (name == "PID" || name == "PORT" || name == "MODEL_ID") {
        note(member.place, below, prefix + fmt::format("macro name '{}' is reserved", name));
      } else if (!member.value.is_scalar()) {
        note(member.value.place, below,
             prefix + fmt::format("macro '{}' must be a text, a number or a truth value, not {}",
                                  name, member.value.kind_name()));
      } else if (member.value.text.find(reference(name)) != std::string::npos) {
        note(member.value.place, below,
             prefix + fmt::format("macro '{}' contains self-reference", name));
      } else {
        scope.push_back({name, member.value.text});
      }
    }
    return scope;
  }

  /// From the last to the first, one pass each: a macro may use those before it.
  void substitute(YamlNode& node, const Scope& scope) {
    if (node.text.find("${") == std::string::npos) return;
    for (auto it = scope.rbegin(); it != scope.rend(); ++it) {
      const std::string from = reference(it->name);
      if (node.text == from) node.quoted = false;  // a value by itself keeps its type
      replace_all(node.text, from, it->text);
    }
    if (node.text.size() > kExpansionMax) {
      note(node.place, "", "macros make this value larger than a megabyte");
      node.text.clear();
    }
  }

  void expand_models(YamlNode& models, const Scope& globals) {
    std::map<std::string, YamlNode*> by_id;  // byte order
    for (YamlNode::Member& member : models.members) by_id.emplace(member.key, &member.value);
    long long port = 5800;
    if (const YamlNode* start = root_.find("startPort"); start != nullptr && start->is_scalar()) {
      const std::string& text = start->text;
      std::from_chars(text.data(), text.data() + text.size(), port);
    }
    for (auto& [id, model] : by_id) {
      if (model->is_map()) expand_model(id, *model, globals, port);
    }
  }

  void expand_model(const std::string& id, YamlNode& model, const Scope& globals, long long& port) {
    const std::string path = "models." + id;
    Scope scope{{"MODEL_ID", id}};
    scope.insert(scope.end(), globals.begin(), globals.end());
    for (Macro& own : read_macros(model.find("macros"), path + ".macros", "model " + id + ": ")) {
      const auto same = std::find_if(scope.begin() + 1, scope.end(),
                                     [&](const Macro& each) { return each.name == own.name; });
      if (same != scope.end()) {
        same->text = own.text;
      } else {
        scope.push_back(std::move(own));
      }
    }
    if (model.find("proxy") == nullptr || model.find("proxy")->is_null()) add_default_proxy(model);
    const auto expand = [&](const Scope& with) {
      for (YamlNode::Member& member : model.members) {
        if (member.key == "macros") continue;
        for_each_scalar(member.value, path,
                        [&](YamlNode& node, const std::string&) { substitute(node, with); });
      }
      expand_filter_keys(model, path, with);
    };
    expand(scope);
    const YamlNode* cmd = model.find("cmd");
    const bool uses_port = cmd != nullptr && cmd->text.find("${PORT}") != std::string::npos;
    if (uses_port) {
      if (port > kPortMax) note(cmd->place, path + ".cmd", "no port is left for ${PORT}");
      expand({{"PORT", std::to_string(port)}});
      ++port;
      return;
    }
    YamlNode* proxy = model.find("proxy");
    if (proxy == nullptr || proxy->text.find("${PORT}") == std::string::npos) return;
    note(
        proxy->place, path + ".proxy",
        fmt::format("model {}: proxy uses ${{PORT}} but cmd does not - ${{PORT}} is only available "
                    "when used in cmd",
                    id));
    proxy->text = "http://localhost";
  }

  void add_default_proxy(YamlNode& model) {
    std::erase_if(model.members, [](const auto& member) { return member.key == "proxy"; });
    const YamlNode* cmd = model.find("cmd");
    // Without a port in cmd the default cannot be meant; the reader asks for a proxy then.
    if (cmd == nullptr) return;
    YamlNode proxy;
    proxy.kind = YamlNode::Kind::Scalar;
    proxy.text = "http://localhost:${PORT}";
    proxy.place = cmd->place;
    model.members.push_back({"proxy", cmd->place, std::move(proxy)});
  }

  void expand_filter_keys(YamlNode& model, const std::string& path, const Scope& scope) {
    YamlNode* filters = model.find("filters");
    YamlNode* by_id = filters == nullptr ? nullptr : filters->find("setParamsByID");
    if (by_id == nullptr) return;
    std::map<std::string, std::string> seen;
    for (YamlNode::Member& member : by_id->members) {
      YamlNode key;
      key.kind = YamlNode::Kind::Scalar;
      key.text = member.key;
      substitute(key, scope);
      const auto [it, fresh] = seen.emplace(key.text, member.key);
      if (!fresh) {
        note(member.place, path + ".filters.setParamsByID",
             fmt::format("keys \"{}\" and \"{}\" resolve to the same value", it->second,
                         member.key));
      }
      member.key = key.text;
    }
  }

  void report_leftovers() {
    for (YamlNode::Member& member : root_.members) {
      const auto& keys = config_section("top").keys;
      const bool known = std::any_of(keys.begin(), keys.end(),
                                     [&](const ConfigKey& key) { return key.name == member.key; });
      if (!known || member.key == "macros") continue;
      for_each_scalar(member.value, member.key, [&](YamlNode& node, const std::string& path) {
        if (path.find(".macros.") != std::string::npos) return;
        std::string text = node.text;
        if (path.ends_with(".cmdStop")) replace_all(text, "${PID}", "");
        const std::string name = leftover(text);
        if (!name.empty()) note(node.place, path, fmt::format("unknown macro '${{{}}}'", name));
      });
    }
  }

  YamlNode& root_;
  std::vector<Problem>& problems_;
};

}  // namespace

void expand_environment(YamlNode& node, const std::string& path, std::vector<Problem>& problems) {
  constexpr std::string_view kStart = "${env.";
  for_each_scalar(node, path, [&](YamlNode& scalar, const std::string& where) {
    for (std::size_t at = scalar.text.find(kStart); at != std::string::npos;
         at = scalar.text.find(kStart, at)) {
      const std::size_t end = scalar.text.find('}', at);
      if (end == std::string::npos) return;
      const std::string name = scalar.text.substr(at + kStart.size(), end - at - kStart.size());
      const char* value = std::getenv(name.c_str());
      if (value == nullptr) {
        problems.push_back({Problem::Severity::Error, scalar.place, where,
                            fmt::format("environment variable '{}' is not set", name)});
        at = end;
        continue;
      }
      const std::string_view text = value;
      if (text.find_first_of("\r\n") != std::string_view::npos) {
        problems.push_back({Problem::Severity::Error, scalar.place, where,
                            fmt::format("environment variable '{}' holds a line end", name)});
      }
      scalar.text.replace(at, end - at + 1, text);
      at += text.size();
    }
  });
}

void expand_macros(YamlNode& root, std::vector<Problem>& problems) {
  Expander(root, problems).run();
}

}  // namespace rouse
