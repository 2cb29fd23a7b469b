#pragma once

#include "base/cli/outline.hpp"

#include <string>
#include <vector>

namespace rouse {

/// A command line in one form, whatever it was written in: the command first, long options with two
/// dashes.
struct CliArguments {
  const CliCommandOutline* command = nullptr;  ///< nullptr: none is named
  /// Where there is no command: the word that stands in its place. Empty: there is no such word.
  std::string unknown;
  std::vector<std::string> words;  ///< with the command
};

/// Puts @p words, those behind the program's name, into that form:
/// - Options may stand before the command. With none at all, options of the default command mean
///   that one.
/// - Long options may have one dash, as Go's programs take them (`-config F`, `-config=F`). So
/// -config
///   is never `-c onfig`.
/// - What follows `--`, or belongs to a program that a command runs, stays as it is.
[[nodiscard]] CliArguments read_arguments(const CliOutline& outline,
                                          std::vector<std::string> words);

}  // namespace rouse
