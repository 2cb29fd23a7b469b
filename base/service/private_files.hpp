#pragma once

#include "base/result.hpp"

#include <filesystem>
#include <string_view>

namespace rouse {

// What is kept between two runs is for its owner alone: it says who asks for what, and when.

/// Makes @p folder and what is missing above it, for us alone (0700). One that is there already and
/// is ours loses the rights of others, but for its group's to go through it: rouse-suspendd has a
/// folder of its own below that of rouse.
[[nodiscard]] Result<void> make_private_folder(const std::filesystem::path& folder);

/// Puts a file with @p text, for us alone (0600), in the place of @p path: a kill at any moment
/// leaves the old one or the new one.
[[nodiscard]] Result<void> write_private_file(const std::filesystem::path& path,
                                              std::string_view text);

/// Takes the rights of others from a file that an earlier version made. No error where there is
/// none, or where it is somebody else's.
void make_private(const std::filesystem::path& path);

}  // namespace rouse
