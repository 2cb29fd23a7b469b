#pragma once

#include "base/cli/program.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// An option or a plain argument, as help, manual and completions show it.
struct CliOption {
  std::vector<std::string> names;  ///< "-c", "--config"; none: a plain argument
  std::string value;               ///< "FILE", "a|b" (one of these); empty: a flag
  std::string text;
  std::string otherwise;  ///< the default; empty: none
  std::string variable;   ///< of the environment, that gives it as well
  bool required = false;
  bool repeats = false;

  /// "-c, --config FILE"; "[FILE]", "COMMAND..."
  [[nodiscard]] std::string usage() const;
  [[nodiscard]] bool is_named(std::string_view name) const;
};

struct CliCommandOutline {
  CliCommand facts;
  std::vector<CliOption> arguments;
  std::vector<CliOption> options;
  std::vector<CliOption> hidden_options;  ///< understood, but shown nowhere

  /// "serve [OPTIONS] [FILE]"
  [[nodiscard]] std::string usage() const;
};

/// All that is known of a program's command line: the one source of its help, manual and
/// completions.
struct CliOutline {
  CliProgram program;
  std::vector<CliOption> options;  ///< of every command
  std::vector<CliCommandOutline> commands;

  /// Also a hidden one; nullptr: there is none.
  [[nodiscard]] const CliCommandOutline* find(std::string_view command) const;
  /// Those that are for people.
  [[nodiscard]] std::vector<const CliCommandOutline*> shown() const;
  /// The option of @p command (nullptr: of every command alone) that @p name means, with its
  /// dashes; nullptr: none.
  [[nodiscard]] const CliOption* find_option(const CliCommandOutline* command,
                                             std::string_view name) const;
};

}  // namespace rouse
