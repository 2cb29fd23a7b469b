#pragma once

#include "core/residency.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace rouse::core {

struct Group {
  std::string name;
  bool swap = true;         ///< its members exclude each other
  bool exclusive = true;    ///< loading a member stops the other groups
  bool persistent = false;  ///< other groups cannot stop it
  std::vector<ModelId> members;
};

/// The group rule (llama-swap-behaviour.md §3.4): a running model leaves when the wanted one is in
/// its group and that group swaps, or is in another one that is exclusive while its own does not
/// persist. Immutable.
class Groups final : public Residency {
 public:
  /// Models in no group form "(default)", which swaps and is exclusive. A model stands in one group
  /// at most and is known: the reader of the configuration has checked that.
  Groups(std::vector<Group> groups, const std::vector<ModelId>& models);

  [[nodiscard]] Eviction make_room(std::string_view target, const ModelSet& running) const override;
  [[nodiscard]] bool may_coexist(std::string_view a, std::string_view b) const override;
  [[nodiscard]] const std::vector<Group>& groups() const { return groups_; }

 private:
  [[nodiscard]] bool evicts(std::string_view target, std::string_view other) const;

  std::vector<Group> groups_;
  std::map<ModelId, std::size_t, std::less<>> group_of_;
};

}  // namespace rouse::core
