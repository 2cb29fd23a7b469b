#pragma once

#include "base/cli/outline.hpp"

#include <string>

namespace rouse {

/// "run the proxy" as a sentence: "Run the proxy."
[[nodiscard]] std::string sentence(std::string text);

/// What somebody who gives no argument sees.
[[nodiscard]] std::string short_help(const CliOutline& outline);
/// All commands.
[[nodiscard]] std::string help_text(const CliOutline& outline);
/// One command with its options.
[[nodiscard]] std::string help_text(const CliOutline& outline, const CliCommandOutline& command);

/// What stands beside an option: its text, default and variable of the environment.
[[nodiscard]] std::string option_text(const CliOption& option);

}  // namespace rouse
