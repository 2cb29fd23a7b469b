#pragma once

#include "suspendd/box/traps.hpp"

#include <string>
#include <utility>
#include <vector>

namespace rouse::suspendd {

/// The findings so far, and the groups of looks that add to them (one file each).
class TrapList {
 public:
  void ok(std::string title, std::string what) {
    traps_.push_back({Severity::Ok, std::move(title), std::move(what), {}});
  }
  void warn(std::string title, std::string what, std::string todo) {
    traps_.push_back({Severity::Warn, std::move(title), std::move(what), std::move(todo)});
  }
  void refuse(std::string title, std::string what, std::string todo) {
    traps_.push_back({Severity::Refuse, std::move(title), std::move(what), std::move(todo)});
  }
  /// Refuses where @p strict, else warns.
  void bad(bool strict, std::string title, std::string what, std::string todo) {
    traps_.push_back({strict ? Severity::Refuse : Severity::Warn, std::move(title), std::move(what),
                      std::move(todo)});
  }
  [[nodiscard]] std::vector<Trap> take() { return std::move(traps_); }

 private:
  std::vector<Trap> traps_;
};

/// Where a path lies.
struct Mount {
  std::string point;
  std::string type;
};
[[nodiscard]] std::vector<Mount> read_mounts(const Root& root);

void find_suspend_traps(const Root& root, const TrapContext& context, TrapList& traps);
/// What root's own leave to suspend does not show: whether the daemon's user has it, too.
void find_rights_traps(const Root& root, const TrapContext& context, TrapList& traps);
void find_wol_traps(const Root& root, NicPort& port, const TrapContext& context, TrapList& traps);
void find_nvidia_traps(const Root& root, const TrapContext& context, TrapList& traps);
void find_service_traps(const Root& root, const TrapContext& context, TrapList& traps);

}  // namespace rouse::suspendd
