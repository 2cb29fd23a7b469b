#pragma once

#include "proxy/config/command_line.hpp"

#include <string>
#include <vector>

namespace rouse {

/// One thing in a command that only a shell would understand.
struct ShellSyntax {
  bool fatal = false;  ///< the command cannot do what it says
  std::string what;
  std::string todo;
};

/// What of @p command was written for a shell, which there is not: each kind once.
[[nodiscard]] std::vector<ShellSyntax> find_shell_syntax(const CommandWords& command);

/// Whether @p command begins with a word of the shell, or with NAME=value: no program is meant.
[[nodiscard]] bool begins_in_shell(const CommandWords& command);

/// Whether @p word has something that a shell would have replaced: ~, $X, a star. What it names is
/// no file.
[[nodiscard]] bool wants_shell(const CommandWord& word);

}  // namespace rouse
