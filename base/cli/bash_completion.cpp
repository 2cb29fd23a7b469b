#include "base/cli/completion.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse {

namespace {

/// "rouse_suspendd", for the names of functions.
std::string bash_name(const std::string& program) {
  std::string out = program;
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

/// Paths are left to the shell, which knows how their letters are quoted.
std::string bash_action(const CliOutline& outline, const std::string& self, CliValueKind kind,
                        const CliOption& option) {
  switch (kind) {
    case CliValueKind::File:
      return "compopt -o default";
    case CliValueKind::Folder:
      return "compopt -o dirnames";
    case CliValueKind::Choice:
      return fmt::format("{}_words '{}'", self, fmt::join(choices_of(option), " "));
    case CliValueKind::Command:
      return fmt::format("{}_words '{}'", self, fmt::join(command_names(outline), " "));
    case CliValueKind::Anything:
      break;
  }
  return {};
}

/// Lines of a `case` over "COMMAND PREVIOUS": what the value of an option of @p command (nullptr:
/// of every one) may be.
std::string value_cases(const CliOutline& outline, const CliCommandOutline* command,
                        const std::string& self) {
  const std::string who = command == nullptr ? "*' " : "'" + command->facts.name + " ";
  std::string out;
  for (const CliOption& option : command == nullptr ? outline.options : command->options) {
    if (option.value.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& name : option.names) {
      patterns.push_back(who + name + "'");
      // Long names may have one dash.
      if (name.starts_with("--")) patterns.push_back(who + name.substr(1) + "'");
    }
    const std::string action =
        bash_action(outline, self, value_kind(outline, command, option), option);
    out += fmt::format("    {}) {}return ;;\n", fmt::join(patterns, " | "),
                       action.empty() ? "" : action + "; ");
  }
  return out;
}

std::string option_words(const std::vector<CliOption>& options) {
  std::string out;
  for (const CliOption& option : options) {
    for (const std::string& name : option.names) out += (out.empty() ? "" : " ") + name;
  }
  return out;
}

/// What stands at a plain argument's place.
std::string argument_action(const CliOutline& outline, const CliCommandOutline& command,
                            const std::string& self) {
  if (command.facts.runs_program) return "mapfile -t COMPREPLY < <(compgen -c -- \"$cur\")";
  for (const CliOption& argument : command.arguments) {
    std::string action =
        bash_action(outline, self, value_kind(outline, &command, argument), argument);
    if (!action.empty()) return action;
  }
  return ":";
}

}  // namespace

std::string bash_completion(const CliOutline& outline) {
  const CliProgram& program = outline.program;
  const std::string self = "_" + bash_name(program.name);
  std::string out = fmt::format(
      "# bash completion for {0}; made by `{0} docs bash`.\n\n"
      "{1}_words() {{\n"
      "  mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\")\n"
      "}}\n\n",
      program.name, self);
  out += fmt::format(
      "{1}() {{\n"
      "  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} command= i\n"
      "  COMPREPLY=()\n"
      "  # --config=FILE comes as three words.\n"
      "  if [[ $cur == = ]]; then\n"
      "    cur=\n"
      "  elif [[ $prev == = ]]; then\n"
      "    prev=${{COMP_WORDS[COMP_CWORD - 2]}}\n"
      "  fi\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case ${{COMP_WORDS[i]}} in\n"
      "      {0}) command=${{COMP_WORDS[i]}}; break ;;\n"
      "    esac\n"
      "  done\n",
      fmt::join(command_names(outline), " | "), self);
  if (!program.default_command.empty()) {
    out += fmt::format("  [[ $command || $COMP_CWORD -lt 2 ]] || command={}\n",
                       program.default_command);
  }
  out += "  case \"$command $prev\" in\n";
  for (const CliCommandOutline* command : outline.shown()) {
    out += value_cases(outline, command, self);
  }
  out += value_cases(outline, nullptr, self);
  out += "  esac\n  if [[ $cur == -* ]]; then\n    case $command in\n";
  const std::string everywhere = option_words(outline.options);
  for (const CliCommandOutline* command : outline.shown()) {
    if (command->options.empty()) continue;
    out += fmt::format("      {}) {}_words '{} {}' ;;\n", command->facts.name, self,
                       option_words(command->options), everywhere);
  }
  const CliCommandOutline* const usual = outline.find(program.default_command);
  const std::string first = usual == nullptr ? "" : option_words(usual->options) + " ";
  out += fmt::format("      *) {}_words '{}{}' ;;\n    esac\n    return\n  fi\n", self, first,
                     everywhere);
  out += "  case $command in\n";
  for (const CliCommandOutline* command : outline.shown()) {
    out += fmt::format("    {}) {} ;;\n", command->facts.name,
                       argument_action(outline, *command, self));
  }
  out += fmt::format("    *) {}_words '{}' ;;\n  esac\n}}\n\ncomplete -F {} {}\n", self,
                     fmt::join(command_names(outline), " "), self, program.name);
  return out;
}

}  // namespace rouse
