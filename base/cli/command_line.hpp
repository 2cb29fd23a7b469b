#pragma once

#include "base/cli/outline.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace rouse {

struct CliArguments;

/// The command line of one program: reads it, and does what it says. Owns CLI11's parser; what its
/// options are bound to belongs to the commands and must live until run() returns.
class CommandLine {
 public:
  explicit CommandLine(CliProgram program);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// A command; its options are added to what is returned, which lives as long as this. Each option
  /// that takes a value says with type_name() what it is: FILE, DIR and SOCKET are completed as
  /// paths, "a|b" as one of these.
  CLI::App& add(CliCommand command);
  /// For the options that every command has.
  [[nodiscard]] CLI::App& everywhere() { return *app_; }
  /// `help`, `version` and `--version`. Last, so that the list of commands ends with them.
  void add_help_and_version();

  [[nodiscard]] CliOutline outline() const;

  /// Reads @p argv and runs the command that it names. Returns that one's exit status; 2 for what
  /// could not be understood, which is said on stderr, and what to do about it.
  [[nodiscard]] int run(int argc, const char* const* argv);

 private:
  struct Added {
    CLI::App* app;
    CliCommand command;
  };

  [[nodiscard]] int parse(const CliOutline& outline, const CliArguments& arguments);
  [[nodiscard]] std::string fault_of(const CliOutline& outline, const CliArguments& arguments,
                                     const CLI::ParseError& error) const;
  int print_help(const std::string& command) const;

  CliProgram program_;
  std::unique_ptr<CLI::App> app_;
  std::vector<Added> commands_;
};

}  // namespace rouse
