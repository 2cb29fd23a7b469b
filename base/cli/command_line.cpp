#include "base/cli/command_line.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>

namespace rouse {

CommandLine::CommandLine(CliProgram program)
    : program_(std::move(program)),
      app_(std::make_unique<CLI::App>(program_.headline, program_.name)) {
  app_->require_subcommand(1);
}

CommandLine::~CommandLine() = default;

CLI::App& CommandLine::add(CliCommand command) {
  CLI::App* const app = app_->add_subcommand(command.name, command.headline);
  commands_.emplace_back(app, std::move(command));
  return *app;
}

int CommandLine::run(int argc, const char* const* argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app_->exit(error) == 0 ? 0 : 2;  // --help is none
  }
  for (const auto& [app, command] : commands_) {
    if (app->parsed()) return command.act();
  }
  return 2;
}

}  // namespace rouse
