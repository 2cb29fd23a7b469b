#pragma once

#include "core/sleep/event.hpp"

#include <string>
#include <string_view>

namespace rouse::core::suspend {

// One short lower-case form each, as `explain`, logs, metrics and scripts show them.

[[nodiscard]] std::string_view to_string(State state);      // "idle-countdown"
[[nodiscard]] std::string_view to_string(Verdict verdict);  // "active"
[[nodiscard]] std::string_view to_string(WakeReason reason);
[[nodiscard]] std::string_view to_string(BlockCause cause);
[[nodiscard]] std::string_view to_string(Severity severity);
[[nodiscard]] std::string_view to_string(Topic topic);
[[nodiscard]] std::string_view to_string(Hook hook);
[[nodiscard]] std::string_view to_string(GpuRecovery step);
/// What the shell is to do, with its reason: "drain 7 (ttl 60 s): idle for 15 min 0 s".
[[nodiscard]] std::string to_string(const Action& action);

}  // namespace rouse::core::suspend
