#pragma once

#include "base/async/task.hpp"
#include "core/sleep/event.hpp"
#include "suspendd/box/nic.hpp"
#include "suspendd/box/root.hpp"
#include "suspendd/checks/check_runner.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/systemd/logind.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace rouse::suspendd {

/// The last look at everything before the machine sleeps: every check again, and whether it would
/// wake. Arms the network cards. Single thread; what it gets outlives it.
class Preflight {
 public:
  Preflight(CheckRunner& check_runner, Logind& logind, const Root& root, NicPort& port);

  /// How the proxy was last reached: why not, and its pid.
  struct Proxy {
    std::string error;
    int pid = 0;
  };
  Task<core::suspend::PreflightDone> run(core::suspend::Op op, std::shared_ptr<const Config> config,
                                         core::suspend::Memory memory, core::suspend::Now now,
                                         Proxy proxy);

  /// The cards as they were last seen.
  [[nodiscard]] const std::vector<Nic>& nics() const { return nics_; }
  /// Looks at the cards, and changes nothing.
  void look(const Config& config);

 private:
  void arm(const Config& config);
  [[nodiscard]] std::string disarmed() const;

  CheckRunner& check_runner_;
  Logind& logind_;
  const Root& root_;
  NicPort& port_;
  std::vector<Nic> nics_;
};

/// A finding as the policy wants it.
[[nodiscard]] core::suspend::CheckReported check_reported(const CheckRunner::Post& post);

}  // namespace rouse::suspendd
