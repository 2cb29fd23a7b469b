#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {

/// "90s", "1m30s", "250ms", "1.5h", or a plain number of seconds.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
/// The shortest form that parse_duration() reads: "1m30s".
[[nodiscard]] std::string duration_text(std::chrono::milliseconds duration);
/// "64MiB", "10MB", "4096": bytes.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace rouse
