#include "base/cli/outline.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse {

namespace {

const CliOption* named(const std::vector<CliOption>& options, std::string_view name) {
  const auto found = std::find_if(options.begin(), options.end(),
                                  [&](const CliOption& option) { return option.is_named(name); });
  return found == options.end() ? nullptr : &*found;
}

}  // namespace

std::string CliOption::usage() const {
  if (names.empty()) {
    const std::string shown = value + (repeats ? "..." : "");
    return required ? shown : "[" + shown + "]";
  }
  const std::string shown = fmt::format("{}", fmt::join(names, ", "));
  return value.empty() ? shown : shown + " " + value;
}

bool CliOption::is_named(std::string_view name) const {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string CliCommandOutline::usage() const {
  std::string out = facts.name;
  if (!options.empty()) out += " [OPTIONS]";
  for (const CliOption& argument : arguments) out += " " + argument.usage();
  return out;
}

const CliCommandOutline* CliOutline::find(std::string_view command) const {
  const auto found =
      std::find_if(commands.begin(), commands.end(),
                   [&](const CliCommandOutline& one) { return one.facts.name == command; });
  return found == commands.end() ? nullptr : &*found;
}

std::vector<const CliCommandOutline*> CliOutline::shown() const {
  std::vector<const CliCommandOutline*> out;
  for (const CliCommandOutline& command : commands) {
    if (!command.facts.hidden) out.push_back(&command);
  }
  return out;
}

const CliOption* CliOutline::find_option(const CliCommandOutline* command,
                                         std::string_view name) const {
  const CliOption* const own = command == nullptr ? nullptr : named(command->options, name);
  return own != nullptr ? own : named(options, name);
}

}  // namespace rouse
