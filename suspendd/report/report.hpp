#pragma once

#include "core/sleep/policy.hpp"
#include "suspendd/box/nic.hpp"
#include "suspendd/checks/check_runner.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/systemd/logind.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rouse::suspendd {

/// All that the daemon can say about itself at one moment.
struct Report {
  core::suspend::View view;
  core::suspend::Now now;
  std::shared_ptr<const Config> config;
  std::vector<CheckRunner::Post> posts;
  std::vector<Nic> nics;
  std::vector<Inhibitor> inhibitors;
  std::string inhibitors_error;  ///< why they are not known; empty: they are
  std::string proxy_error;       ///< why the proxy was not reached the last time; empty: it was
  std::string bus_trouble;       ///< why there is no connection to the bus; empty: there is one
  std::string lock_trouble;      ///< why the delay lock is not held; empty: it is
  std::string log_only;          ///< a tree of --root is looked at, not this machine
};

/// For scripts: `status`, and everything with --json.
[[nodiscard]] std::string status_json(const Report& report);
/// One line: `status`.
[[nodiscard]] std::string status_text(const Report& report);
/// The page that a person reads at midnight: why is it awake, and what happens next?
[[nodiscard]] std::string explain_text(const Report& report);
/// Prometheus' text format.
[[nodiscard]] std::string metrics_text(const Report& report);

/// The energy that sleep has saved, by what the configuration says that the machine draws.
[[nodiscard]] double saved_joules(const Report& report);

}  // namespace rouse::suspendd
