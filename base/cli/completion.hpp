#pragma once

#include "base/cli/outline.hpp"

#include <string>
#include <vector>

namespace rouse {

/// How the value of an option or argument is completed.
enum class CliValueKind { Anything, File, Folder, Choice, Command };

[[nodiscard]] CliValueKind value_kind(const CliOutline& outline, const CliCommandOutline* command,
                                      const CliOption& option);
/// Of a Choice.
[[nodiscard]] std::vector<std::string> choices_of(const CliOption& option);
/// Names of the commands that are for people.
[[nodiscard]] std::vector<std::string> command_names(const CliOutline& outline);

/// Completions of a program for each shell, as the file that the shell loads.
[[nodiscard]] std::string bash_completion(const CliOutline& outline);
[[nodiscard]] std::string zsh_completion(const CliOutline& outline);
[[nodiscard]] std::string fish_completion(const CliOutline& outline);

}  // namespace rouse
