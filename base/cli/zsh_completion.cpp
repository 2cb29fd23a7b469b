#include "base/cli/completion.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse {

namespace {

/// Within apostrophes, with @p special behind backslashes.
std::string zsh_escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
      continue;
    }
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_action(const CliOutline& outline, CliValueKind kind, const CliOption& option) {
  switch (kind) {
    case CliValueKind::File:
      return "_files";
    case CliValueKind::Folder:
      return "_files -/";
    case CliValueKind::Choice:
      return fmt::format("({})", fmt::join(choices_of(option), " "));
    case CliValueKind::Command:
      return fmt::format("({})", fmt::join(command_names(outline), " "));
    case CliValueKind::Anything:
      break;
  }
  return " ";
}

/// One line for _arguments for each name of an option.
std::string zsh_options(const CliOutline& outline, const CliCommandOutline* command,
                        const std::vector<CliOption>& options, const std::string& indent) {
  std::string out;
  for (const CliOption& option : options) {
    const std::string others =
        option.repeats ? "*" : fmt::format("({})", fmt::join(option.names, " "));
    for (const std::string& name : option.names) {
      std::string line = fmt::format("'{}{}", others, name);
      if (!option.value.empty()) line += name.starts_with("--") ? "=" : "+";
      line += fmt::format("[{}]", zsh_escaped(option.text, "[]:\\"));
      if (!option.value.empty()) {
        line += fmt::format(":{}:{}", zsh_escaped(option.value, ":\\"),
                            zsh_action(outline, value_kind(outline, command, option), option));
      }
      out += indent + line + "' \\\n";
    }
  }
  return out;
}

std::string zsh_arguments(const CliOutline& outline, const CliCommandOutline& command,
                          const std::string& indent) {
  if (command.facts.runs_program) {
    return fmt::format("{0}'(-)1:command: _command_names -e' \\\n{0}'*::arguments: _normal' \\\n",
                       indent);
  }
  std::string out;
  std::size_t place = 0;
  for (const CliOption& argument : command.arguments) {
    ++place;
    out += fmt::format("{}'{}:{}:{}' \\\n", indent, argument.repeats ? "*" : std::to_string(place),
                       zsh_escaped(argument.value, ":\\"),
                       zsh_action(outline, value_kind(outline, &command, argument), argument));
  }
  return out;
}

}  // namespace

std::string zsh_completion(const CliOutline& outline) {
  const CliProgram& program = outline.program;
  std::string out = fmt::format(
      "#compdef {0}\n# zsh completion for {0}; made by `{0} docs zsh`.\n\n"
      "local curcontext=\"$curcontext\" state line ret=1\n"
      "typeset -A opt_args\n"
      "local -a subcommands\n"  // commands is zsh's own: what is on the PATH
      "subcommands=(\n",
      program.name);
  for (const CliCommandOutline* command : outline.shown()) {
    out += fmt::format("  '{}:{}'\n", command->facts.name,
                       zsh_escaped(command->facts.headline, ":\\"));
  }
  out += ")\n\n_arguments -C \\\n" + zsh_options(outline, nullptr, outline.options, "  ");
  if (const auto* usual = outline.find(program.default_command)) {
    out += zsh_options(outline, usual, usual->options, "  ");
  }
  out +=
      "  '1: :->command' \\\n  '*:: :->rest' && ret=0\n\n"
      "case $state in\n"
      "  command)\n"
      "    _describe -t commands command subcommands && ret=0\n"
      "    ;;\n"
      "  rest)\n"
      "    case $words[1] in\n";
  for (const CliCommandOutline* command : outline.shown()) {
    const std::string indent(10, ' ');
    out += fmt::format("      {})\n        _arguments \\\n{}{}{}{}&& ret=0\n        ;;\n",
                       command->facts.name, zsh_options(outline, command, command->options, indent),
                       zsh_options(outline, nullptr, outline.options, indent),
                       zsh_arguments(outline, *command, indent), indent);
  }
  out += "    esac\n    ;;\nesac\n\nreturn ret\n";
  return out;
}

}  // namespace rouse
