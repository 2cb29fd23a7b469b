#pragma once

#include <filesystem>
#include <string_view>

namespace rouse::test {

/// The place of @p below in the checkout, and in the folder where it was built. Only tree.cpp knows
/// both, so that every other file compiles to the same in every checkout.
[[nodiscard]] std::filesystem::path source_path(std::string_view below);
[[nodiscard]] std::filesystem::path build_path(std::string_view below);

}  // namespace rouse::test
