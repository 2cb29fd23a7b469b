#include "base/cli/unknown_word.hpp"

#include "base/yaml/tree.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace rouse {

namespace {

/// Without its dashes and its value.
std::string bare(std::string_view option) {
  option.remove_prefix(std::min(option.find_first_not_of('-'), option.size()));
  return std::string(option.substr(0, option.find('=')));
}

void add_names(const std::vector<CliOption>& options, std::vector<std::string>& names) {
  for (const CliOption& option : options) {
    for (const std::string& name : option.names) {
      if (name.starts_with("--")) names.push_back(bare(name));
    }
  }
}

/// The commands that have the option @p name: "serve, status".
std::vector<std::string> who_has(const CliOutline& outline, const std::string& name) {
  std::vector<std::string> out;
  for (const CliCommandOutline* command : outline.shown()) {
    std::vector<std::string> names;
    add_names(command->options, names);
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      out.push_back(command->facts.name);
    }
  }
  return out;
}

std::string unknown_option(const CliOutline& outline, const std::string& word) {
  const std::string& name = outline.program.name;
  std::string out = fmt::format("{}: unknown option {}", name, word);
  const std::vector<std::string> commands = who_has(outline, bare(word));
  if (!commands.empty()) {
    return out + fmt::format(" without a command; it is one of: {}\n  {} {} {}\n",
                             fmt::join(commands, ", "), name, commands.front(), word);
  }
  std::vector<std::string> names;
  add_names(outline.options, names);
  if (const auto* usual = outline.find(outline.program.default_command)) {
    add_names(usual->options, names);
  }
  const std::string meant = did_you_mean(bare(word), names);
  if (!meant.empty()) out += fmt::format("; did you mean --{}?", meant);
  return out + "\n" + see_help(outline, nullptr);
}

bool is_file(const std::string& word) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(word, ignored);
}

}  // namespace

std::string see_help(const CliOutline& outline, const CliCommandOutline* command) {
  const std::string& name = outline.program.name;
  if (command == nullptr) return fmt::format("  `{} help` lists the commands\n", name);
  return fmt::format("  `{} help {}` shows what it takes\n", name, command->facts.name);
}

std::string unknown_command(const CliOutline& outline, const std::string& word) {
  const std::string& name = outline.program.name;
  if (word.starts_with("-")) {
    return unknown_option(outline, word);
  }
  std::string out = fmt::format("{}: unknown command \"{}\"", name, word);
  std::vector<std::string> names;
  for (const CliCommandOutline* command : outline.shown()) names.push_back(command->facts.name);
  const std::string meant = did_you_mean(word, names);
  if (!meant.empty())
    return out + fmt::format("; did you mean {0}?\n", meant) + see_help(outline, nullptr);
  const std::string& usual = outline.program.default_command;
  if (!usual.empty() && is_file(word)) {
    return out + fmt::format("\n  a configuration is run by: {} {} {}\n", name, usual, word);
  }
  return out + "\n" + see_help(outline, nullptr);
}

std::string unknown_word(const CliOutline& outline, const CliCommandOutline& command,
                         const std::string& word) {
  const std::string who = outline.program.name + " " + command.facts.name;
  if (!word.starts_with("-")) {
    return fmt::format("{}: \"{}\" is one argument too many\n", who, word) +
           see_help(outline, &command);
  }
  std::string out = fmt::format("{}: unknown option {}", who, word);
  std::vector<std::string> names;
  add_names(command.options, names);
  add_names(outline.options, names);
  const std::string meant = did_you_mean(bare(word), names);
  if (!meant.empty())
    return out + fmt::format("; did you mean --{}?\n", meant) + see_help(outline, &command);
  const std::vector<std::string> commands = who_has(outline, bare(word));
  if (!commands.empty()) out += fmt::format(", which is one of: {}", fmt::join(commands, ", "));
  return out + "\n" + see_help(outline, &command);
}

}  // namespace rouse
