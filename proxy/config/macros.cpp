#include "proxy/config/macros.hpp"

#include "base/config/environment.hpp"
#include "proxy/config/command_line.hpp"
#include "proxy/config/schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace rouse {

namespace {

constexpr std::size_t kMacroNameMax = 63;
constexpr std::size_t kExpansionMax = 1024 * 1024;  // of one value
constexpr std::size_t kExpansionsMax = 32 * kExpansionMax;
constexpr int kPortMax = 65535;

struct Macro {
  std::string name;
  std::string text;
  bool quoted = false;  // a text, whatever it looks like
};

/// Macros in their order; what a reference means is found by name.
class MacroScope {
 public:
  void add(Macro macro) {
    const auto [it, fresh] = index_.emplace(macro.name, macros_.size());
    if (fresh) {
      macros_.push_back(std::move(macro));
    } else {
      macros_[it->second] = std::move(macro);  // at the place of the one that it replaces
    }
  }

  [[nodiscard]] std::size_t size() const { return macros_.size(); }
  [[nodiscard]] const Macro& operator[](std::size_t at) const { return macros_[at]; }
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const {
    const auto it = index_.find(name);
    return it == index_.end() ? std::nullopt : std::optional(it->second);
  }

 private:
  std::vector<Macro> macros_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

std::string reference(std::string_view name) {
  return "${" + std::string(name) + "}";
}

/// Stops soon after the text has become longer than @p most.
std::string replaced(std::string_view text, std::string_view from, std::string_view to,
                     std::size_t most) {
  std::string out;
  while (out.size() <= most) {
    const std::size_t at = text.find(from);
    out += text.substr(0, at);
    if (at == std::string_view::npos) break;
    out += to;
    text.remove_prefix(at + from.size());
  }
  return out;
}

/// Calls @p visit for the name of each ${name} in @p text until it returns true. Text such as
/// ${x:-y} is no macro.
template <class Visit>
void for_each_reference(std::string_view text, const Visit& visit) {
  for (std::size_t at = text.find("${"); at != std::string_view::npos;
       at = text.find("${", at + 2)) {
    std::size_t end = at + 2;
    while (end < text.size() && is_name_char(text[end])) ++end;
    if (end == at + 2 || end == text.size() || text[end] != '}') continue;
    if (visit(text.substr(at + 2, end - at - 2))) return;
  }
}

std::string leftover(std::string_view text) {
  std::string first;
  for_each_reference(text, [&](std::string_view name) {
    first = name;
    return true;
  });
  return first;
}

/// The last macro of @p scope, before @p end, that @p text names.
std::optional<std::size_t> last_named(std::string_view text, const MacroScope& scope, std::size_t end) {
  std::optional<std::size_t> last;
  for_each_reference(text, [&](std::string_view name) {
    const auto at = scope.find(name);
    if (at && *at < end && (!last || *at > *last)) last = at;
    return false;
  });
  return last;
}

class Expander {
 public:
  Expander(YamlNode& root, const std::map<std::string, int>& kept, std::vector<Problem>& problems)
      : root_(root), kept_(kept), problems_(problems) {}

  std::map<std::string, int> run() {
    if (!root_.is_map()) return {};
    YamlNode* models = root_.find("models");
    if (models != nullptr && models->is_map()) {
      for (YamlNode::Member& model : models->members) strip_comments(model.value);
    }
    MacroScope globals;
    read_macros(root_.find("macros"), "macros", "", globals);
    for (YamlNode::Member& member : root_.members) {
      if (member.key == "models" || member.key == "macros") continue;
      for_each_scalar(member.value, member.key, [&](YamlNode& node, const std::string& path) {
        substitute(node, path, globals);
      });
    }
    if (models != nullptr && models->is_map()) expand_models(*models, globals);
    report_leftovers();
    return std::move(ports_);
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

  void read_macros(const YamlNode* node, const std::string& path, const std::string& prefix,
                   MacroScope& scope) {
    if (node == nullptr || !node->is_map()) return;
    for (const YamlNode::Member& member : node->members) {
      const std::string below = path + "." + member.key;
      const std::string& name = member.key;
      const bool fits = !name.empty() && name.size() <= kMacroNameMax &&
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
        scope.add({name, member.value.text, member.value.quoted});
      }
    }
  }

  /// From the last to the first, one pass each: a macro may use those before it.
  void substitute(YamlNode& node, const std::string& path, const MacroScope& scope) {
    std::size_t end = scope.size();
    while (const auto at = last_named(node.text, scope, end)) {
      const Macro& macro = scope[*at];
      const std::string from = reference(macro.name);
      // A value by itself keeps its type; inside a text it is text.
      node.quoted = node.text == from ? macro.quoted : true;
      node.text = replaced(node.text, from, macro.text, kExpansionMax);
      node.text_column = 0;
      expanded_ += node.text.size();
      end = *at;
      if (node.text.size() <= kExpansionMax && expanded_ <= kExpansionsMax) continue;
      const bool first = expanded_ - node.text.size() <= kExpansionsMax;
      if (first) note(node.place, path, "too large once its macros are put in");
      node.text.clear();
      return;
    }
  }

  void expand_models(YamlNode& models, const MacroScope& globals) {
    std::map<std::string, YamlNode*> by_id;  // byte order
    for (YamlNode::Member& member : models.members) by_id.emplace(member.key, &member.value);
    long long port = 5800;
    if (const YamlNode* start = root_.find("startPort"); start != nullptr && start->is_scalar()) {
      const std::string& text = start->text;
      std::from_chars(text.data(), text.data() + text.size(), port);
    }
    first_port_ = port;
    for (const auto& [id, kept] : kept_) {
      if (by_id.contains(id) && kept >= first_port_) taken_.insert(kept);
    }
    for (auto& [id, model] : by_id) {
      if (model->is_map()) expand_model(id, *model, globals, port);
    }
  }

  void expand_model(const std::string& id, YamlNode& model, const MacroScope& globals, long long& port) {
    const std::string path = "models." + id;
    MacroScope scope;
    scope.add({"MODEL_ID", id, true});
    for (std::size_t i = 0; i < globals.size(); ++i) scope.add(globals[i]);
    read_macros(model.find("macros"), path + ".macros", "model " + id + ": ", scope);
    if (model.find("proxy") == nullptr || model.find("proxy")->is_null()) add_default_proxy(model);
    const auto expand = [&](const MacroScope& with) {
      for (YamlNode::Member& member : model.members) {
        if (member.key == "macros") continue;
        for_each_scalar(
            member.value, path + "." + member.key,
            [&](YamlNode& node, const std::string& below) { substitute(node, below, with); });
      }
    };
    expand(scope);
    expand_filter_keys(model, path, scope);
    const YamlNode* cmd = model.find("cmd");
    const bool uses_port = cmd != nullptr && cmd->text.find("${PORT}") != std::string::npos;
    if (uses_port) {
      const long long own = port_of(id, port);
      if (own > kPortMax) note(cmd->place, path + ".cmd", "no port is left for ${PORT}");
      MacroScope own_port;
      own_port.add({"PORT", std::to_string(own), false});
      expand(own_port);
      ports_.emplace(id, static_cast<int>(own));
      return;
    }
    YamlNode* proxy = model.find("proxy");
    if (proxy == nullptr || proxy->text.find("${PORT}") == std::string::npos) return;
    const bool may_use_port = cmd != nullptr && names_variable(cmd->text);
    if (!may_use_port) {
      note(proxy->place, path + ".proxy",
           fmt::format(
               "model {}: proxy uses ${{PORT}} but cmd does not - ${{PORT}} is only available "
               "when used in cmd",
               id));
    }
    proxy->text = "http://localhost";
  }

  /// The one that it has, or the @p next that nobody has.
  long long port_of(const std::string& id, long long& next) {
    const auto kept = kept_.find(id);
    if (kept != kept_.end() && kept->second >= first_port_) return kept->second;
    while (taken_.contains(next)) ++next;
    return next++;
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

  void expand_filter_keys(YamlNode& model, const std::string& path, const MacroScope& scope) {
    YamlNode* filters = model.find("filters");
    YamlNode* by_id = filters == nullptr ? nullptr : filters->find("setParamsByID");
    if (by_id == nullptr) return;
    std::map<std::string, std::string> seen;
    for (YamlNode::Member& member : by_id->members) {
      YamlNode key;
      key.kind = YamlNode::Kind::Scalar;
      key.text = member.key;
      substitute(key, path + ".filters.setParamsByID", scope);
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
        if (path.ends_with(".cmdStop")) text = replaced(text, "${PID}", "", kExpansionMax);
        const std::string name = leftover(text);
        if (!name.empty()) note(node.place, path, fmt::format("unknown macro '${{{}}}'", name));
      });
    }
  }

  YamlNode& root_;
  const std::map<std::string, int>& kept_;
  std::vector<Problem>& problems_;
  std::set<long long> taken_;  // by those who keep theirs
  long long first_port_ = 0;
  std::map<std::string, int> ports_;
  std::size_t expanded_ = 0;
};

}  // namespace

std::map<std::string, int> expand_macros(YamlNode& root, const std::map<std::string, int>& kept,
                                         std::vector<Problem>& problems) {
  return Expander(root, kept, problems).run();
}

void expand_environment(YamlNode& node, const std::string& path, std::vector<Problem>& problems) {
  expand_environment(node, path, problems, [](YamlNode& scalar, const std::string& where) {
    const bool is_command =
        where.starts_with("models.") && (where.ends_with(".cmd") || where.ends_with(".cmdStop"));
    if (!is_command || scalar.text.find('#') == std::string::npos) return;
    // What is commented out in a command need not be set.
    scalar.text = without_comment_lines(scalar.text);
    scalar.text_column = 0;
  });
}

}  // namespace rouse
