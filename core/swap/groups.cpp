#include "core/swap/groups.hpp"

#include "core/swap/describe_eviction.hpp"

#include <utility>

namespace rouse::core {
namespace {

constexpr std::string_view kDefaultGroup = "(default)";

}  // namespace

Groups::Groups(std::vector<Group> groups, const std::vector<ModelId>& models)
    : groups_(std::move(groups)) {
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    for (const ModelId& member : groups_[i].members) group_of_.emplace(member, i);
  }
  Group rest{std::string(kDefaultGroup), true, true, false, {}};
  for (const ModelId& model : models) {
    if (group_of_.emplace(model, groups_.size()).second) rest.members.push_back(model);
  }
  if (!rest.members.empty()) groups_.push_back(std::move(rest));
}

bool Groups::evicts(std::string_view target, std::string_view other) const {
  const auto mine = group_of_.find(target);
  const auto theirs = group_of_.find(other);
  if (mine == group_of_.end() || theirs == group_of_.end()) return true;
  const Group& incoming = groups_[mine->second];
  if (mine->second == theirs->second) return incoming.swap;
  return incoming.exclusive && !groups_[theirs->second].persistent;
}

Eviction Groups::make_room(std::string_view target, const ModelSet& running,
                           const Worths& /*worths*/) const {
  std::vector<ModelId> evict;
  for (const ModelId& model : running) {
    if (model != target && evicts(target, model)) evict.push_back(model);
  }
  const auto mine = group_of_.find(target);
  const std::string group =
      mine == group_of_.end() ? "in no group: " : "group " + groups_[mine->second].name + ": ";
  std::string reason = group + describe_eviction(target, evict, running);
  return {std::move(evict), std::move(reason)};
}

bool Groups::may_coexist(std::string_view a, std::string_view b) const {
  return a == b || !evicts(a, b) || !evicts(b, a);
}

}  // namespace rouse::core
