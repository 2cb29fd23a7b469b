#include "core/groups.hpp"

#include <utility>

namespace rouse::core {

namespace {
constexpr const char* kDefaultGroup = "(default)";
}

Groups::Groups(std::vector<Group> groups, const std::vector<ModelId>& models)
    : groups_(std::move(groups)) {
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    for (const ModelId& member : groups_[i].members) group_of_.emplace(member, i);
  }
  Group rest;
  rest.name = kDefaultGroup;
  for (const ModelId& model : models) {
    if (!group_of_.contains(model)) rest.members.push_back(model);
  }
  for (const ModelId& member : rest.members) group_of_.emplace(member, groups_.size());
  if (!rest.members.empty()) groups_.push_back(std::move(rest));
}

bool Groups::evicts(std::string_view target, std::string_view other) const {
  const auto mine = group_of_.find(target);
  const auto theirs = group_of_.find(other);
  // What is not configured (any more) has no right to stay.
  if (mine == group_of_.end() || theirs == group_of_.end()) return true;
  if (mine->second == theirs->second) return groups_[mine->second].swap;
  return groups_[mine->second].exclusive && !groups_[theirs->second].persistent;
}

Eviction Groups::make_room(std::string_view target, const ModelSet& running) const {
  Eviction room;
  for (const ModelId& model : running) {
    if (model != target && evicts(target, model)) room.evict.push_back(model);
  }
  const auto mine = group_of_.find(target);
  const std::string group = mine == group_of_.end() ? kDefaultGroup : groups_[mine->second].name;
  room.reason = room.evict.empty() ? "group " + group + " lets it run beside what runs"
                                   : "group " + group + " excludes what runs";
  return room;
}

bool Groups::may_coexist(std::string_view a, std::string_view b) const {
  // In whichever order they are asked for: a non-exclusive group joins an exclusive one.
  return a == b || !evicts(a, b) || !evicts(b, a);
}

}  // namespace rouse::core
