#pragma once

#include "base/async/task.hpp"
#include "base/result.hpp"
#include "suspendd/bus/bus.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace rouse::suspendd {

struct UnitState {
  std::string active;  ///< active, reloading, inactive, failed, activating, deactivating
  std::string sub;     ///< running, exited, dead …
  std::string load;    ///< loaded, not-found, masked …
  std::string file;    ///< enabled, disabled, static, masked …; empty: not known

  /// Nothing pulls it in.
  [[nodiscard]] bool is_disabled() const {
    return file == "disabled" || file.starts_with("masked");
  }
};

/// When a timer unit elapses next; nullopt: it does not on that clock.
struct TimerNext {
  std::optional<std::chrono::system_clock::time_point> realtime;
  std::optional<std::chrono::microseconds> monotonic;  ///< CLOCK_MONOTONIC
};

/// What org.freedesktop.systemd1 tells about units. Single thread; the Bus outlives it.
class SystemdUnits {
 public:
  explicit SystemdUnits(Bus& bus) : bus_(bus) {}

  /// A unit that is not there has the load state "not-found"; that is no error.
  Task<Result<UnitState>> unit_state(std::string unit);
  Task<Result<TimerNext>> timer_next(std::string timer);

 private:
  Task<Result<std::string>> load_unit(std::string unit);
  Task<Result<std::string>> text(std::string path, const char* interface, std::string name);
  Task<Result<std::uint64_t>> number(std::string path, const char* interface, std::string name);

  Bus& bus_;
};

}  // namespace rouse::suspendd
