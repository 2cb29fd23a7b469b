#pragma once

#include "core/swap/scheduler.hpp"
#include "core/time.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::core {

// Words for people: logs, answers, pages.

[[nodiscard]] std::string_view to_string(EngineState state);
[[nodiscard]] std::string_view to_string(StopCause cause);
[[nodiscard]] std::string_view to_string(RefusalCause cause);
[[nodiscard]] std::string to_string(Ticket ticket);
/// "850 ms", "1.5 s", "31 s", "3 min 20 s", "2 h 5 min".
[[nodiscard]] std::string to_string(Duration duration);
/// "in 12 s", or "now".
[[nodiscard]] std::string time_until(Instant at, Instant now);

/// "1 request", "2 requests".
[[nodiscard]] std::string count(std::size_t n, std::string_view noun);
[[nodiscard]] std::string count(int n, std::string_view noun);
/// "a", "a and b", "a, b and c".
[[nodiscard]] std::string join(const std::vector<ModelId>& models);

}  // namespace rouse::core
