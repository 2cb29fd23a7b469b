#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {

/// A span of time as systemd writes them: "90s", "15min", "1h 30min", "2 days", "250ms", or a plain
/// number of seconds. m is a minute and M a month (30.44 days), as there. To the millisecond, and
/// never less than one unless it is 0. nullopt: it is none, or longer than 95 years.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// The shortest form that parse_duration() reads: "1m30s".
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);
/// "64MiB", "10MB", "4096": bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace rouse
