#include "base/cli/completion.hpp"

namespace rouse {

CliValueKind value_kind(const CliOutline& outline, const CliCommandOutline* command,
                        const CliOption& option) {
  if (option.value == "FILE" || option.value == "SOCKET") return CliValueKind::File;
  if (option.value == "DIR") return CliValueKind::Folder;
  if (option.value.find('|') != std::string::npos) return CliValueKind::Choice;
  const bool is_help = command != nullptr && command->facts.name == "help";
  if (is_help && option.names.empty() && outline.find("help") == command) {
    return CliValueKind::Command;
  }
  return CliValueKind::Anything;
}

std::vector<std::string> choices_of(const CliOption& option) {
  std::vector<std::string> out{""};
  for (const char c : option.value) {
    if (c == '|') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

std::vector<std::string> command_names(const CliOutline& outline) {
  std::vector<std::string> out;
  for (const CliCommandOutline* command : outline.shown()) out.push_back(command->facts.name);
  return out;
}

}  // namespace rouse
