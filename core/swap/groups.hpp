#pragma once

#include "core/swap/residency.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::core {

struct Group {
  std::string name;
  bool swap = true;              ///< its members displace each other
  bool exclusive = true;         ///< its members displace those of other groups
  bool persistent = false;       ///< other groups do not displace its members
  std::vector<ModelId> members;  ///< real ids, aliases resolved
};

/// The rule of groups: a model displaces, of those that run, the members of its own group if that
/// swaps, and those of every other group if its own is exclusive and theirs not persistent. That
/// holds for a target that runs already, too. Immutable.
class Groups final : public Residency {
 public:
  /// @p groups are as the reader of the configuration lets them pass: members are models, each in
  /// one group at most, and names differ. Models in none of them form the group "(default)": swap,
  /// exclusive, not persistent. A model that is not in @p models has no right to stay.
  Groups(std::vector<Group> groups, const std::vector<ModelId>& models);

  using Residency::make_room;
  /// Leaves no choice: what is displaced is.
  [[nodiscard]] Eviction make_room(std::string_view target, const ModelSet& running,
                                   const Worths& worths) const override;

  /// True if the two can come to run together in at least one order of starting them.
  [[nodiscard]] bool may_coexist(std::string_view a, std::string_view b) const override;

  /// As configured, then "(default)" unless it is empty.
  [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }

 private:
  [[nodiscard]] bool evicts(std::string_view target, std::string_view other) const;

  std::vector<Group> groups_;
  std::map<ModelId, std::size_t, std::less<>> group_of_;
};

}  // namespace rouse::core
