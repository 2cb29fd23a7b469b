#include "suspendd/systemd/units.hpp"

#include <limits>
#include <utility>

namespace rouse::suspendd {
namespace {

constexpr const char* kSystemd = "org.freedesktop.systemd1";
constexpr const char* kUnit = "org.freedesktop.systemd1.Unit";
constexpr const char* kTimer = "org.freedesktop.systemd1.Timer";

BusObject object(std::string path, const char* interface) {
  return BusObject{kSystemd, std::move(path), interface};
}

/// 0 and UINT64_MAX both stand for "not on this clock".
std::optional<std::chrono::microseconds> elapse(std::uint64_t microseconds) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max() / 1000;
  if (microseconds == 0 || microseconds > static_cast<std::uint64_t>(kMost)) return std::nullopt;
  return std::chrono::microseconds(static_cast<std::int64_t>(microseconds));
}

}  // namespace

/// Loading does not start it, and it gives an object also for one that is not there.
Task<Result<std::string>> SystemdUnits::load_unit(std::string unit) {
  BusCall call;
  call.to = object("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager");
  call.member = "LoadUnit";
  call.arguments.emplace_back(unit);
  const auto answer = co_await bus_.call(std::move(call));
  if (!answer) {
    Error error = answer.error();
    error.doing = "unit " + unit + ": " + error.doing;
    co_return error;
  }
  BusReader reader(*answer);
  std::string path = reader.path();
  const auto read = reader.finish("LoadUnit of " + unit);
  if (!read) co_return read.error();
  co_return path;
}

Task<Result<std::string>> SystemdUnits::text(std::string path, const char* interface,
                                             std::string name) {
  const auto answer = co_await bus_.get_property(object(std::move(path), interface), name);
  if (!answer) co_return answer.error();
  BusReader reader(*answer);
  reader.variant("s");
  std::string value = reader.string();
  const auto read = reader.finish(name);
  if (!read) co_return read.error();
  co_return value;
}

Task<Result<std::uint64_t>> SystemdUnits::number(std::string path, const char* interface,
                                                 std::string name) {
  const auto answer = co_await bus_.get_property(object(std::move(path), interface), name);
  if (!answer) co_return answer.error();
  BusReader reader(*answer);
  reader.variant("t");
  const std::uint64_t value = reader.u64();
  const auto read = reader.finish(name);
  if (!read) co_return read.error();
  co_return value;
}

Task<Result<UnitState>> SystemdUnits::unit_state(std::string unit) {
  const auto path = co_await load_unit(std::move(unit));
  if (!path) co_return path.error();
  auto active = co_await text(*path, kUnit, "ActiveState");
  if (!active) co_return active.error();
  auto sub = co_await text(*path, kUnit, "SubState");
  if (!sub) co_return sub.error();
  auto load = co_await text(*path, kUnit, "LoadState");
  if (!load) co_return load.error();
  const auto file = co_await text(*path, kUnit, "UnitFileState");
  co_return UnitState{std::move(*active), std::move(*sub), std::move(*load),
                      file ? *file : std::string()};
}

Task<Result<TimerNext>> SystemdUnits::timer_next(std::string timer) {
  const auto path = co_await load_unit(timer);
  if (!path) co_return path.error();
  const auto load = co_await text(*path, kUnit, "LoadState");
  if (!load) co_return load.error();
  if (*load != "loaded") {
    co_return bus_error(BusErrc::NoSuchUnit, "timer " + timer + " is " + *load);
  }
  const auto realtime = co_await number(*path, kTimer, "NextElapseUSecRealtime");
  if (!realtime) co_return realtime.error();
  const auto monotonic = co_await number(*path, kTimer, "NextElapseUSecMonotonic");
  if (!monotonic) co_return monotonic.error();
  TimerNext next;
  next.monotonic = elapse(*monotonic);
  if (const auto at = elapse(*realtime)) {
    next.realtime = std::chrono::system_clock::time_point(*at);
  }
  co_return next;
}

}  // namespace rouse::suspendd
