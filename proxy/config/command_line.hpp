#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// Removes the lines whose first visible character is '#' (llama-swap-behaviour.md §2.6).
[[nodiscard]] std::string without_comment_lines(std::string_view text);

/// Splits a command as a POSIX shell would, without a shell: quotes, backslashes, lines continued
/// by a backslash; no variables, globs or operators. An unterminated quote goes to the end.
[[nodiscard]] std::vector<std::string> split_command(std::string_view text);

}  // namespace rouse
