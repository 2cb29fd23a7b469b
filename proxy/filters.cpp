#include "proxy/filters.hpp"

namespace rouse {

std::vector<wire::JsonEdit> edits_for(const Filters& filters, std::string_view name) {
  using Kind = wire::JsonEdit::Kind;
  std::vector<wire::JsonEdit> edits;
  for (const std::string& path : filters.strip_params) edits.push_back({Kind::Remove, path});
  for (const SetParam& param : filters.set_params) {
    edits.push_back({Kind::Set, param.path, param.json});
  }
  if (const auto it = filters.set_params_by_id.find(name); it != filters.set_params_by_id.end()) {
    for (const SetParam& param : it->second) edits.push_back({Kind::Set, param.path, param.json});
  }
  return edits;
}

}  // namespace rouse
