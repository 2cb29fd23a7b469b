#include "proxy/config/macro_faults.hpp"

#include "proxy/config/macro_scope.hpp"
#include "proxy/config/schema.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <set>
#include <string>
#include <utility>

namespace rouse {

namespace {

constexpr std::size_t kCircleMax = 1000;  // macros; a longer chain is taken for none

bool leads_back(std::size_t from, std::size_t start, const MacroScope& scope,
                std::set<std::size_t>& seen, std::vector<std::string>& way) {
  bool found = false;
  if (way.size() > kCircleMax) return false;
  for_each_reference(scope[from].text, [&](std::string_view name) {
    const auto next = scope.find(name);
    if (!next || (*next != start && !seen.insert(*next).second)) return false;
    way.emplace_back(name);
    found = *next == start || leads_back(*next, start, scope, seen, way);
    if (!found) way.pop_back();
    return found;
  });
  return found;
}

/// The way from the macro @p start through those that it uses and back to it; empty: there is none.
std::vector<std::string> circle_of(std::size_t start, const MacroScope& scope) {
  std::vector<std::string> way{scope[start].name};
  std::set<std::size_t> seen;
  return leads_back(start, start, scope, seen, way) ? way : std::vector<std::string>();
}

/// @p model: in which it stands; empty: in none.
std::string unknown_text(const std::string& name, const MacroScope& scope, const std::string& model,
                         bool has_pid) {
  if (name == "PID") return "${PID} is known in cmdStop only";
  if (model.empty() && (name == "PORT" || name == "MODEL_ID")) {
    return fmt::format("{} is known within a model only", macro_reference(name));
  }
  if (name == "PORT") return "${PORT} is known only if cmd uses it, and cmd does not";
  std::vector<std::string> names;
  if (!model.empty()) names = {"PORT", "MODEL_ID"};
  if (has_pid) names.emplace_back("PID");
  for (std::size_t i = 0; i < scope.size(); ++i) names.push_back(scope[i].name);
  if (std::getenv(name.c_str()) != nullptr) {
    return fmt::format("unknown macro '{}': the variable of the environment is ${{env.{}}}",
                       macro_reference(name), name);
  }
  const std::string meant = did_you_mean(name, names);
  return fmt::format("unknown macro '{}'{}", macro_reference(name),
                     meant.empty() ? std::string(": define it under macros:")
                                   : fmt::format("; did you mean {}?", macro_reference(meant)));
}

/// What @p user has to do with @p used, which it names and which comes after it.
std::string order_text(const Macro& user, const Macro& used) {
  const std::string name = macro_reference(used.name);
  const bool is_of_model = used.path.starts_with("models.") && !user.path.starts_with("models.");
  if (is_of_model) {
    return fmt::format("uses {}, which only a model has (line {}): define '{}' in that model, too",
                       name, used.place.line, user.name);
  }
  return fmt::format(
      "uses {}, which is defined further down, in line {}: a macro can use only those "
      "above it, so move '{}' above '{}'",
      name, used.place.line, used.name, user.name);
}

class LeftoverReport {
 public:
  explicit LeftoverReport(std::vector<Problem>& problems) : problems_(problems) {}

  void run(YamlNode& root) {
    MacroScope globals;
    globals.read(root.find("macros"), "macros", "", nullptr);
    for (YamlNode::Member& member : root.members) {
      if (config_section("top").find(member.key) == nullptr || member.key == "macros") continue;
      if (member.key != "models" || !member.value.is_map()) {
        report(member.value, member.key, globals, "");
        continue;
      }
      for (YamlNode::Member& model : member.value.members) {
        MacroScope scope = globals;
        const std::string path = "models." + model.key;
        scope.read(model.value.find("macros"), path + ".macros", "", nullptr);
        for (YamlNode::Member& part : model.value.members) {
          if (part.key != "macros") report(part.value, path + "." + part.key, scope, model.key);
        }
      }
    }
  }

 private:
  void report(YamlNode& node, const std::string& path, const MacroScope& scope,
              const std::string& model) {
    for_each_scalar(node, path, [&](YamlNode& scalar, const std::string& below) {
      std::string text = scalar.text;
      const bool has_pid = below.ends_with(".cmdStop");
      if (has_pid) text = with_replaced(text, "${PID}", "");
      const std::string name = first_reference(text);
      if (name.empty() || scope.is_faulty(name) || in_circle_.contains(name)) return;
      if (const auto defined = scope.find(name)) return report_order(*defined, scope);
      note(scalar.place, below, unknown_text(name, scope, model, has_pid));
    });
  }

  /// The macro @p defined is there and yet was left over: one that stands above it names it.
  void report_order(std::size_t defined, const MacroScope& scope) {
    const Macro& used = scope[defined];
    for (std::size_t i = 0; i <= defined; ++i) {
      const Macro& user = scope[i];
      const bool names_it = user.text.find(macro_reference(used.name)) != std::string::npos;
      if (!names_it || !told_.emplace(user.path, used.name).second) continue;
      const std::vector<std::string> circle = circle_of(i, scope);
      if (circle.empty()) {
        note(user.place, user.path, order_text(user, used));
        continue;
      }
      // Each of its members would tell the same.
      in_circle_.insert(circle.begin(), circle.end());
      note(user.place, user.path,
           fmt::format("these macros use each other in a circle, which has no end: {}; take one of "
                       "them out of it",
                       fmt::join(circle, " -> ")));
    }
  }

  void note(const SourcePlace& place, const std::string& path, std::string text) {
    problems_.push_back({Problem::Severity::Error, place, path, std::move(text)});
  }

  std::vector<Problem>& problems_;
  std::set<std::string> in_circle_;
  std::set<std::pair<std::string, std::string>> told_;  // path of the user, name of the used
};

}  // namespace

void report_leftovers(YamlNode& root, std::vector<Problem>& problems) {
  LeftoverReport(problems).run(root);
}

}  // namespace rouse
