#include "base/cli/command_line.hpp"

#include "base/cli/arguments.hpp"
#include "base/cli/help_text.hpp"
#include "base/cli/unknown_word.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace rouse {

namespace {

CliOption outline_of(const CLI::Option& option) {
  CliOption out;
  for (const std::string& name : option.get_snames()) out.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) out.names.push_back("--" + name);
  const bool is_flag = option.get_items_expected_max() == 0;
  if (!is_flag) out.value = out.names.empty() ? option.get_name(true) : option.get_type_name();
  out.text = option.get_description();
  out.otherwise = option.get_default_str();
  out.variable = option.get_envname();
  out.required = option.get_required();
  out.repeats = option.get_items_expected_max() > 1;
  return out;
}

/// But for those in @p elsewhere: newer versions of CLI11 list the options that fall through, too.
void add_options(const CLI::App& app, const std::vector<const CLI::Option*>& elsewhere,
                 CliCommandOutline& command) {
  for (const CLI::Option* option : app.get_options()) {
    if (std::find(elsewhere.begin(), elsewhere.end(), option) != elsewhere.end()) continue;
    const bool is_hidden = option->get_group().empty();
    std::vector<CliOption>& options = is_hidden                  ? command.hidden_options
                                      : option->get_positional() ? command.arguments
                                                                 : command.options;
    options.push_back(outline_of(*option));
  }
}

/// Of an option that takes one value the last one counts, so that options in a unit's environment
/// can come after its own.
void let_the_last_count(CLI::App& app) {
  for (CLI::Option* option : app.get_options([](CLI::Option*) { return true; })) {
    if (option->get_items_expected_max() == 1 && !option->get_positional() &&
        option->get_multi_option_policy() == CLI::MultiOptionPolicy::Throw) {
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
}

/// The names of required things that @p app was not given.
std::vector<std::string> missing_of(const CLI::App& app) {
  std::vector<std::string> out;
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_required() || option->count() > 0) continue;
    const CliOption outline = outline_of(*option);
    out.push_back(outline.names.empty() ? outline.value : outline.names.back());
  }
  return out;
}

/// CLI11's own words, made a sentence where that is easy.
std::string worded(const CLI::ParseError& error) {
  std::string text = error.what();
  if (error.get_name() == "ArgumentMismatch") {
    return text.substr(0, text.find(':')) + " wants a value";
  }
  if (error.get_name() == "ExcludesError") {
    const std::size_t at = text.find(" excludes ");
    if (at != std::string::npos) {
      return text.substr(0, at) + " and " + text.substr(at + 10) + " cannot both be given";
    }
  }
  return text;
}

}  // namespace

CommandLine::CommandLine(CliProgram program)
    : program_(std::move(program)),
      app_(std::make_unique<CLI::App>(program_.headline, program_.name)) {
  app_->require_subcommand(1);
  app_->fallthrough();  // the options of every command may stand behind it
  app_->set_help_flag("-h,--help", "show this help");
}

CommandLine::~CommandLine() = default;

CLI::App& CommandLine::add(CliCommand command) {
  CLI::App* const app = app_->add_subcommand(command.name, command.headline);
  app->set_help_flag();  // the program's own falls through to it
  if (command.runs_program) app->positionals_at_end();
  commands_.push_back({app, std::move(command)});
  return *app;
}

void CommandLine::add_help_and_version() {
  const auto command = std::make_shared<std::string>();
  CLI::App& help = add({
      .name = "help",
      .headline = "show the commands, or the options of one",
      .act = [this, command] { return print_help(*command); },
  });
  help.add_option("COMMAND", *command, "the command");
  add({
      .name = "version",
      .headline = "print the version",
      .act =
          [this] {
            std::printf("%s %s\n", program_.name.c_str(), program_.version.c_str());
            return 0;
          },
  });
  app_->set_version_flag("-V,--version", program_.name + " " + program_.version,
                         "print the version");
}

CliOutline CommandLine::outline() const {
  CliOutline out;
  out.program = program_;
  CliCommandOutline every;
  add_options(*app_, {}, every);
  out.options = std::move(every.options);
  for (const Added& added : commands_) {
    CliCommandOutline& command = out.commands.emplace_back();
    command.facts = added.command;
    add_options(*added.app, std::as_const(*app_).get_options(), command);
  }
  return out;
}

int CommandLine::print_help(const std::string& command) const {
  const CliOutline all = outline();
  if (command.empty()) {
    std::fputs(help_text(all).c_str(), stdout);
    return 0;
  }
  const CliCommandOutline* const one = all.find(command);
  if (one == nullptr) {
    std::fputs(unknown_command(all, command).c_str(), stderr);
    return 2;
  }
  std::fputs(help_text(all, *one).c_str(), stdout);
  return 0;
}

std::string CommandLine::fault_of(const CliOutline& outline, const CliArguments& arguments,
                                  const CLI::ParseError& error) const {
  const CliCommandOutline* const command = arguments.command;
  for (const std::string& word : app_->remaining(true)) {
    if (word == "--") continue;
    return command == nullptr ? unknown_command(outline, word)
                              : unknown_word(outline, *command, word);
  }
  std::string who = program_.name;
  std::string what = worded(error);
  for (const Added& added : commands_) {
    if (command == nullptr || added.command.name != command->facts.name) continue;
    who += " " + added.command.name;
    const std::vector<std::string> missing = missing_of(*added.app);
    if (error.get_name() == "RequiredError" && !missing.empty()) {
      what = fmt::format("{} is missing", fmt::join(missing, ", "));
    }
  }
  if (command == nullptr) what = "which command?";
  return fmt::format("{}: {}\n", who, what) + see_help(outline, command);
}

int CommandLine::parse(const CliOutline& outline, const CliArguments& arguments) {
  std::vector<std::string> reversed(arguments.words.rbegin(), arguments.words.rend());
  try {
    app_->parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    return print_help(arguments.command == nullptr ? "" : arguments.command->facts.name);
  } catch (const CLI::CallForVersion& version) {
    std::printf("%s\n", version.what());
    return 0;
  } catch (const CLI::ParseError& error) {
    std::fputs(fault_of(outline, arguments, error).c_str(), stderr);
    return 2;
  }
  for (const Added& added : commands_) {
    if (added.app->parsed()) return added.command.act();
  }
  return 2;
}

int CommandLine::run(int argc, const char* const* argv) {
  const CliOutline all = outline();
  const CliArguments arguments = read_arguments(all, {argv + 1, argv + argc});
  if (argc < 2) {
    std::fputs(short_help(all).c_str(), stderr);
    return 2;
  }
  if (!arguments.unknown.empty()) {
    std::fputs(unknown_command(all, arguments.unknown).c_str(), stderr);
    return 2;
  }
  let_the_last_count(*app_);
  for (const Added& added : commands_) let_the_last_count(*added.app);
  return parse(all, arguments);
}

}  // namespace rouse
