#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {

/// "2026-11-21T05:44:37Z", or with a fraction and an offset; nullopt: it is not RFC 3339.
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> parse_rfc3339(
    std::string_view text);
/// In UTC, to the second.
[[nodiscard]] std::string to_rfc3339(std::chrono::system_clock::time_point at);

}  // namespace rouse
