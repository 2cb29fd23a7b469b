#include "proxy/admission/swap_times.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse {

std::string SwapPhases::text() const {
  std::string text;
  for (const auto& [name, lasted] : each()) {
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, lasted.count());
  }
  return text;
}

SwapPhases SwapTimes::phases_since(core::Instant entered) const {
  const auto between = [entered](core::Instant from, core::Instant to) {
    return std::max(to - std::max(from, entered), core::Duration{0});
  };
  SwapPhases phases;
  phases.evicts = evicts;
  phases.drain = between(wanted, told);
  phases.stop = between(told, exited);
  phases.sweep = between(exited, started);
  phases.spawn = between(started, spawned);
  phases.load = between(spawned, ready);
  phases.seen = std::min(seen, phases.load);
  return phases;
}

}  // namespace rouse
