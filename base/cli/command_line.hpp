#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace CLI {
class App;
}

namespace rouse {

/// A name and what it means: an exit status, a file, a variable of the environment, a signal; or a
/// line that a person can paste, and what it does.
struct CliNote {
  std::string name;
  std::string text;
};

/// What a program says of itself, besides its commands and options.
struct CliProgram {
  std::string name;      ///< "rouse"
  std::string headline;  ///< "proxy that starts language model engines on demand"
  std::string version;
};

/// One command of a program, but for its options.
struct CliCommand {
  std::string name;
  std::string headline;           ///< one line, in the list of commands
  std::string about;              ///< paragraphs, with empty lines between
  std::vector<CliNote> examples;  ///< lines that can be pasted; tests paste them
  std::vector<CliNote> statuses;  ///< exit statuses with a meaning of their own
  /// What it does once its options are read; returns the exit status.
  std::function<int()> act;
};

/// The command line of one program: reads it, and does what it says. Owns CLI11's parser; what its
/// options are bound to belongs to the commands and must live until run() returns.
class CommandLine {
 public:
  explicit CommandLine(CliProgram program);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// A command; its options are added to what is returned, which lives as long as this.
  CLI::App& add(CliCommand command);

  /// Reads @p argv and runs the command that it names. Returns that one's exit status; 2 for what
  /// could not be understood, which is said on stderr.
  [[nodiscard]] int run(int argc, const char* const* argv);

 private:
  CliProgram program_;
  std::unique_ptr<CLI::App> app_;
  std::vector<std::pair<CLI::App*, CliCommand>> commands_;
};

}  // namespace rouse
