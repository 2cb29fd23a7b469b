#include "proxy/config/macros.hpp"

#include "base/config/environment.hpp"
#include "base/config/yaml_json.hpp"
#include "proxy/config/command_line.hpp"
#include "proxy/config/macro_faults.hpp"
#include "proxy/config/macro_scope.hpp"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

namespace rouse {

namespace {

constexpr std::size_t kExpansionsMax = 32 * kExpansionMax;
constexpr int kPortMax = 65535;

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
    globals.read(root_.find("macros"), "macros", "", &problems_);
    for (YamlNode::Member& member : root_.members) {
      if (member.key == "models" || member.key == "macros") continue;
      for_each_scalar(member.value, member.key, [&](YamlNode& node, const std::string& path) {
        substitute(node, path, globals);
      });
    }
    if (models != nullptr && models->is_map()) expand_models(*models, globals);
    report_leftovers(root_, problems_);
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

  /// From the last to the first, one pass each: a macro may use those before it.
  void substitute(YamlNode& node, const std::string& path, const MacroScope& scope) {
    std::size_t end = scope.size();
    while (const auto at = scope.last_named(node.text, end)) {
      const Macro& macro = scope[*at];
      const std::string from = macro_reference(macro.name);
      // A value by itself keeps its type; inside a text it is text.
      node.quoted = node.text == from ? macro.quoted : true;
      node.text = with_replaced(node.text, from, macro.text);
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
      port = yaml_whole_number(start->text).value_or(port);
    }
    first_port_ = port;
    for (const auto& [id, kept] : kept_) {
      if (by_id.contains(id) && kept >= first_port_) taken_.insert(kept);
    }
    for (auto& [id, model] : by_id) {
      if (model->is_map()) expand_model(id, *model, globals, port);
    }
  }

  void expand_model(const std::string& id, YamlNode& model, const MacroScope& globals,
                    long long& port) {
    const std::string path = "models." + id;
    MacroScope scope;
    scope.add({"MODEL_ID", id, true});
    for (std::size_t i = 0; i < globals.size(); ++i) scope.add(globals[i]);
    scope.read(model.find("macros"), path + ".macros", "model " + id + ": ", &problems_);
    const bool has_proxy = model.find("proxy") != nullptr && !model.find("proxy")->is_null();
    if (!has_proxy) add_default_proxy(model);
    const auto expand = [&](const MacroScope& with) {
      for (YamlNode::Member& member : model.members) {
        if (member.key == "macros") continue;
        for_each_scalar(
            member.value, path + "." + member.key,
            [&](YamlNode& node, const std::string& below) { substitute(node, below, with); });
      }
    };
    expand(scope);
    const YamlNode* cmd = model.find("cmd");
    const bool uses_port = cmd != nullptr && cmd->text.find("${PORT}") != std::string::npos;
    MacroScope own_port;
    if (uses_port) {
      const long long own = port_of(id, port);
      if (own > kPortMax) note(cmd->place, path + ".cmd", "no port is left for ${PORT}");
      own_port.add({"PORT", std::to_string(own), false});
      expand(own_port);
      ports_.emplace(id, static_cast<int>(own));
    }
    expand_filter_keys(model, path, scope, own_port);
    if (uses_port) return;
    YamlNode* proxy = model.find("proxy");
    if (proxy == nullptr || proxy->text.find("${PORT}") == std::string::npos) return;
    // Of a command that is none, or that has a macro to mend, more would not be true.
    const bool has_cmd = cmd != nullptr && !cmd->is_null();
    const bool is_told = has_cmd && (!cmd->is_scalar() || !first_reference(cmd->text).empty() ||
                                     names_variable(cmd->text));
    if (!is_told && has_proxy) {
      note(proxy->place, path + ".proxy",
           has_cmd ? "uses ${PORT}, and cmd does not: the engine has to be told its port there, as "
                     "--port ${PORT} for one"
                   : "uses ${PORT}, which is the port in a cmd, and there is none");
    } else if (!is_told && has_cmd) {
      note(cmd->place, path + ".cmd", no_port_text(cmd->text));
    }
    proxy->text = "http://localhost";
  }

  /// What to do about a command without ${PORT}, of a model without a proxy.
  static std::string no_port_text(const std::string& cmd) {
    const std::string_view why =
        "does not use ${PORT}, and there is no proxy to say where the engine answers: ";
    for (const std::string_view option : {"--port ", "--port="}) {
      const std::size_t at = cmd.find(option);
      if (at == std::string::npos) continue;
      const std::size_t begin = at + option.size();
      const std::string digits =
          cmd.substr(begin, cmd.find_first_not_of("0123456789", begin) - begin);
      if (digits.empty()) continue;
      return fmt::format("{}write {}${{PORT}} instead of {}{}, or add proxy: http://127.0.0.1:{}",
                         why, option, option, digits, digits);
    }
    return fmt::format(
        "{}add --port ${{PORT}} (or what the program calls it), or the line proxy: "
        "http://127.0.0.1:8080",
        why);
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
    // Without a cmd the default cannot be meant.
    if (cmd == nullptr || cmd->is_null()) return;
    YamlNode proxy;
    proxy.kind = YamlNode::Kind::Scalar;
    proxy.text = "http://localhost:${PORT}";
    proxy.place = cmd->place;
    model.members.push_back({"proxy", cmd->place, std::move(proxy)});
  }

  void expand_filter_keys(YamlNode& model, const std::string& path, const MacroScope& scope,
                          const MacroScope& own_port) {
    YamlNode* filters = model.find("filters");
    YamlNode* by_id = filters == nullptr ? nullptr : filters->find("setParamsByID");
    if (by_id == nullptr) return;
    std::map<std::string, std::string> seen;
    for (YamlNode::Member& member : by_id->members) {
      YamlNode key;
      key.kind = YamlNode::Kind::Scalar;
      key.text = member.key;
      substitute(key, path + ".filters.setParamsByID", scope);
      substitute(key, path + ".filters.setParamsByID", own_port);
      const auto [it, fresh] = seen.emplace(key.text, member.key);
      if (!fresh) {
        note(member.place, path + ".filters.setParamsByID",
             fmt::format("keys \"{}\" and \"{}\" resolve to the same value", it->second,
                         member.key));
      }
      member.key = key.text;
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
