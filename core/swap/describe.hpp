#pragma once

#include "core/swap/scheduler.hpp"
#include "core/time.hpp"

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::core {

// Words for logs, scripts and tests. Events, actions and causes have one short lower-case form, as
// scripts write them: "arrive 7 qwen", "stop qwen evicted". operator<< adds an action's reason.

[[nodiscard]] std::string_view to_string(EngineState state);
[[nodiscard]] std::string_view to_string(StopCause cause);
[[nodiscard]] std::string_view to_string(RefusalCause cause);
[[nodiscard]] std::string to_string(Ticket ticket);
[[nodiscard]] std::string to_string(const Event& event);
[[nodiscard]] std::string to_string(const Action& action);
/// "850 ms", "1.5 s", "31 s", "3 min 20 s", "2 h 5 min".
[[nodiscard]] std::string to_string(Duration duration);
/// "in 12 s", or "now".
[[nodiscard]] std::string time_until(Instant at, Instant now);

/// "1 request", "2 requests".
[[nodiscard]] std::string count(std::size_t n, std::string_view noun);
[[nodiscard]] std::string count(int n, std::string_view noun);
/// "a", "a and b", "a, b and c".
[[nodiscard]] std::string join(const std::vector<ModelId>& models);

std::ostream& operator<<(std::ostream& out, EngineState state);
std::ostream& operator<<(std::ostream& out, StopCause cause);
std::ostream& operator<<(std::ostream& out, RefusalCause cause);
std::ostream& operator<<(std::ostream& out, Ticket ticket);
std::ostream& operator<<(std::ostream& out, const Event& event);
std::ostream& operator<<(std::ostream& out, const Action& action);
std::ostream& operator<<(std::ostream& out, const Start& action);
std::ostream& operator<<(std::ostream& out, const Stop& action);
std::ostream& operator<<(std::ostream& out, const Admit& action);
std::ostream& operator<<(std::ostream& out, const Refuse& action);

}  // namespace rouse::core
