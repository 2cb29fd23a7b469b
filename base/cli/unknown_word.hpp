#pragma once

#include "base/cli/outline.hpp"

#include <string>

namespace rouse {

/// What is wrong with @p word, which stands where a command is expected, and what to do: two lines.
[[nodiscard]] std::string unknown_command(const CliOutline& outline, const std::string& word);

/// The same of a word that @p command does not know, an option or a plain one.
[[nodiscard]] std::string unknown_word(const CliOutline& outline, const CliCommandOutline& command,
                                       const std::string& word);

/// `PROGRAM COMMAND --help` as the line that says what to do.
[[nodiscard]] std::string see_help(const CliOutline& outline, const CliCommandOutline* command);

}  // namespace rouse
