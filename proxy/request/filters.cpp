#include "proxy/request/filters.hpp"

namespace rouse {

namespace {

/// The parameters for @p name: those of exactly that name, else of a pattern that fits.
const std::vector<SetParam>* params_for(const Filters& filters, std::string_view name) {
  const auto exact = filters.set_params_by_id.find(name);
  if (exact != filters.set_params_by_id.end()) return &exact->second;
  for (const auto& [pattern, params] : filters.set_params_by_id) {
    if (pattern.find('*') != std::string::npos && AliasPattern{pattern, {}}.matches(name)) {
      return &params;
    }
  }
  return nullptr;
}

void add(const std::vector<SetParam>& params, std::vector<wire::JsonEdit>& edits) {
  using Kind = wire::JsonEdit::Kind;
  for (const SetParam& param : params) {
    edits.push_back({param.if_absent ? Kind::Fill : Kind::Set, param.path, param.json});
  }
}

}  // namespace

std::vector<wire::JsonEdit> edits_for(const Filters& filters, std::string_view name) {
  using Kind = wire::JsonEdit::Kind;
  std::vector<wire::JsonEdit> edits;
  for (const std::string& path : filters.strip_params) edits.push_back({Kind::Remove, path});
  for (const MatchRule& rule : filters.set_params_by_match) {
    edits.push_back({Kind::When, rule.path, {}, rule.texts, {}});
    add(rule.set, edits.back().edits);
  }
  add(filters.set_params, edits);
  if (const auto* params = params_for(filters, name)) add(*params, edits);
  std::erase_if(edits, [](const auto& edit) { return wire::names_member(edit.path, "model"); });
  return edits;
}

}  // namespace rouse
