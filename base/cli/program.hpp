#pragma once

#include <functional>
#include <string>
#include <vector>

namespace rouse {

/// A name and what it means: an exit status, a file, a variable of the environment, a signal; or a
/// line that a person can paste, and what it does.
struct CliNote {
  std::string name;
  std::string text;
};

/// What a program says of itself, besides its commands and options. Texts are paragraphs with an
/// empty line between; `words in backquotes` are what is typed.
struct CliProgram {
  std::string name;                  ///< "rouse"
  std::string headline;              ///< after its name: "starts and stops engines on demand"
  std::string version;               ///< "0.1.0"
  std::string about;                 ///< what it is, for the manual
  std::string default_command;       ///< meant where options come without a command; empty: none
  std::vector<CliNote> first_steps;  ///< for somebody who gives no argument
  std::vector<CliNote> statuses;     ///< exit statuses that commands have in common
  std::vector<CliNote> variables;    ///< of the environment, beside those of options
  std::vector<CliNote> files;
  std::vector<CliNote> signals;
  std::vector<std::string> see_also;  ///< "rouse.yaml(5)"
};

/// One command of a program, but for its options.
struct CliCommand {
  std::string name;
  std::string headline;           ///< one line, in the list of commands
  std::string about;              ///< more, for its help and the manual
  std::vector<CliNote> examples;  ///< lines that can be pasted; tests paste them
  std::vector<CliNote> statuses;  ///< exit statuses with a meaning of their own
  bool hidden = false;            ///< not for people
  /// Its first plain argument, and all that follows, is another program's command line.
  bool runs_program = false;
  /// What it does once its options are read; returns the exit status.
  std::function<int()> act;
};

}  // namespace rouse
