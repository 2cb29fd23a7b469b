#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {

using Sha256 = std::array<unsigned char, 32>;

[[nodiscard]] Sha256 sha256(std::string_view text);
/// 64 lower-case hex digits.
[[nodiscard]] std::string hex_of(const Sha256& digest);
/// The digest that 64 hex digits of either case are; nullopt when @p hex is something else.
[[nodiscard]] std::optional<Sha256> parse_sha256(std::string_view hex);
/// Takes the same time wherever they differ.
[[nodiscard]] bool equal_in_constant_time(const Sha256& a, const Sha256& b);

}  // namespace rouse
