#include "proxy/config/macro_scope.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rouse {

namespace {

constexpr std::size_t kMacroNameMax = 63;

bool is_macro_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

bool is_reserved(std::string_view name) {
  return name == "PID" || name == "PORT" || name == "MODEL_ID";
}

bool is_macro_name(std::string_view name) {
  return !name.empty() && name.size() <= kMacroNameMax &&
         std::all_of(name.begin(), name.end(), is_macro_letter);
}

/// What is wrong with it; empty: it is a good one.
std::string macro_fault(const YamlNode::Member& member) {
  const std::string& name = member.key;
  if (is_reserved(name)) return fmt::format("macro name '{}' is reserved", name);
  if (!is_macro_name(name)) return "a macro's name is up to 63 letters, digits, _ and -";
  if (!member.value.is_scalar()) {
    return fmt::format("macro '{}' must be a text, a number or a truth value, not {}", name,
                       member.value.kind_name());
  }
  if (member.value.text.find(macro_reference(name)) == std::string::npos) return {};
  return fmt::format("macro '{}' contains itself: take {} out of its text", name,
                     macro_reference(name));
}

}  // namespace

void MacroScope::add(Macro macro) {
  const auto [it, fresh] = index_.emplace(macro.name, macros_.size());
  if (fresh) {
    macros_.push_back(std::move(macro));
  } else {
    macros_[it->second] = std::move(macro);
  }
}

void MacroScope::read(const YamlNode* node, const std::string& path, const std::string& prefix,
                      std::vector<Problem>* problems) {
  if (node == nullptr || node->is_null()) return;
  if (!node->is_map()) {
    is_whole_ = false;  // that is told when the shape of the file is checked
    return;
  }
  for (const YamlNode::Member& member : node->members) {
    const std::string below = path + "." + member.key;
    const std::string fault = macro_fault(member);
    if (fault.empty()) {
      add({member.key, member.value.text, member.value.quoted, member.value.place, below});
      continue;
    }
    faulty_.insert(member.key);
    if (problems == nullptr) continue;
    const bool has_name = is_macro_name(member.key) && !is_reserved(member.key);
    problems->push_back({Problem::Severity::Error, has_name ? member.value.place : member.place,
                         below, prefix + fault});
  }
}

std::optional<std::size_t> MacroScope::find(std::string_view name) const {
  const auto it = index_.find(name);
  return it == index_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<std::size_t> MacroScope::last_named(std::string_view text, std::size_t end) const {
  std::optional<std::size_t> last;
  for_each_reference(text, [&](std::string_view name) {
    const auto at = find(name);
    if (at && *at < end && (!last || *at > *last)) last = at;
    return false;
  });
  return last;
}

std::string macro_reference(std::string_view name) {
  return "${" + std::string(name) + "}";
}

std::string with_replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  while (out.size() <= kExpansionMax) {
    const std::size_t at = text.find(from);
    out += text.substr(0, at);
    if (at == std::string_view::npos) break;
    out += to;
    text.remove_prefix(at + from.size());
  }
  return out;
}

void for_each_reference(std::string_view text, const std::function<bool(std::string_view)>& visit) {
  for (std::size_t at = text.find("${"); at != std::string_view::npos;
       at = text.find("${", at + 2)) {
    std::size_t end = at + 2;
    while (end < text.size() && is_macro_letter(text[end])) ++end;
    if (end == at + 2 || end == text.size() || text[end] != '}') continue;
    if (visit(text.substr(at + 2, end - at - 2))) return;
  }
}

std::string first_reference(std::string_view text) {
  std::string first;
  for_each_reference(text, [&](std::string_view name) {
    first = name;
    return true;
  });
  return first;
}

}  // namespace rouse
