#pragma once

#include "base/async/task.hpp"
#include "base/http/pool.hpp"
#include "base/net/endpoint.hpp"
#include "suspendd/box/root.hpp"
#include "suspendd/checks/check.hpp"
#include "suspendd/config/config.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace rouse::suspendd {

class Logind;
class SystemdUnits;

/// What checks are made with. Outlives every check made with it; one per daemon.
struct CheckContext {
  Executor executor;
  HttpPool& pool;  ///< for checks that ask over HTTP
  Endpoint power;  ///< the power socket of `rouse`, for the `proxy` check
  Root root = Root();
  /// For `sessions`, `inhibitors`, `unit` and `upcoming`. Null: those checks are always Unknown.
  Logind* logind = nullptr;
  SystemdUnits* units = nullptr;
  /// In how long the daemon itself would wake the machine; empty or nullopt: nothing is planned.
  std::function<std::optional<std::chrono::milliseconds>()> next_wakeup = {};
  /// Rates and ages: a clock that nobody can set.
  std::function<std::chrono::steady_clock::time_point()> now = [] {
    return std::chrono::steady_clock::now();
  };
  /// For `window`, and for the stamps of files.
  std::function<std::chrono::system_clock::time_point()> wall = [] {
    return std::chrono::system_clock::now();
  };
};

/// The check that @p config describes. Settings that cannot work (a pattern, a time zone) make a
/// check whose every look is Unknown and says what is wrong. Null: no check of that kind is built
/// in.
[[nodiscard]] std::unique_ptr<Check> make_check(const CheckConfig& config, CheckContext& context);

}  // namespace rouse::suspendd
