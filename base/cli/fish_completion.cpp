#include "base/cli/completion.hpp"

#include <fmt/format.h>

namespace rouse {

namespace {

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_action(const CliOutline& outline, CliValueKind kind, const CliOption& option) {
  switch (kind) {
    case CliValueKind::File:
      return " -F";
    case CliValueKind::Folder:
      return " -a '(__fish_complete_directories)'";
    case CliValueKind::Choice:
      return fmt::format(" -a '{}'", fmt::join(choices_of(option), " "));
    case CliValueKind::Command:
      return fmt::format(" -a '{}'", fmt::join(command_names(outline), " "));
    case CliValueKind::Anything:
      break;
  }
  return "";
}

/// Of the options whose value is the next word. Short ones first: the function takes long ones at
/// the beginning for its own.
std::string names_with_value(const CliOutline& outline, const CliCommandOutline& command) {
  std::string short_names;
  std::string long_names;
  for (const auto* options : {&outline.options, &command.options}) {
    for (const CliOption& option : *options) {
      if (option.value.empty()) continue;
      for (const std::string& name : option.names) {
        (name.starts_with("--") ? long_names : short_names) += " " + name;
      }
    }
  }
  return short_names + long_names;
}

/// @p when: " -n 'CONDITION'", or empty.
std::string fish_options(const CliOutline& outline, const CliCommandOutline* command,
                         const std::vector<CliOption>& options, const std::string& when) {
  std::string out;
  for (const CliOption& option : options) {
    out += fmt::format("complete -c {}{}", outline.program.name, when);
    for (const std::string& name : option.names) {
      out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    }
    if (!option.value.empty()) {
      const CliValueKind kind = value_kind(outline, command, option);
      out += kind == CliValueKind::File ? " -r" : " -x";  // x: and no file
      out += fish_action(outline, kind, option);
    }
    out += " -d " + fish_quoted(option.text) + "\n";
  }
  return out;
}

}  // namespace

std::string fish_completion(const CliOutline& outline) {
  const CliProgram& program = outline.program;
  const std::string self = program.name;
  std::string out = fmt::format(
      "# fish completion for {0}; made by `{0} docs fish`.\n\ncomplete -c {0} -f\n", self);
  const std::string names = fmt::format("{}", fmt::join(command_names(outline), " "));
  const std::string none = fmt::format(" -n 'not __fish_seen_subcommand_from {}'", names);
  for (const CliCommandOutline* command : outline.shown()) {
    out += fmt::format("complete -c {}{} -a {} -d {}\n", self, none, command->facts.name,
                       fish_quoted(command->facts.headline));
  }
  out += fish_options(outline, nullptr, outline.options, "");
  if (const auto* usual = outline.find(program.default_command)) {
    out += fish_options(outline, usual, usual->options, none);
  }
  for (const CliCommandOutline* command : outline.shown()) {
    const std::string when =
        fmt::format(" -n '__fish_seen_subcommand_from {}'", command->facts.name);
    out += fish_options(outline, command, command->options, when);
    if (command->facts.runs_program) {
      out += fmt::format("complete -c {}{} -a '(__fish_complete_subcommand --fcs-skip=2{})'\n",
                         self, when, names_with_value(outline, *command));
    }
    for (const CliOption& argument : command->arguments) {
      const std::string action =
          fish_action(outline, value_kind(outline, command, argument), argument);
      if (!action.empty()) out += fmt::format("complete -c {}{}{}\n", self, when, action);
    }
  }
  return out;
}

}  // namespace rouse
