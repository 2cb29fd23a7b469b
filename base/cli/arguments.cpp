#include "base/cli/arguments.hpp"

#include <algorithm>
#include <optional>

namespace rouse {

namespace {

bool looks_like_option(std::string_view word) {
  return word.size() > 1 && word.front() == '-' && word != "--";
}

/// The option that @p word means, however many dashes its long name has, and whether its value is
/// in the same word.
struct MeantOption {
  const CliOption* option = nullptr;
  std::string_view name;  ///< as the outline has it
  bool has_value = false;
  std::string_view value;
};

MeantOption meant_option(const std::vector<const CliOption*>& options, std::string_view word) {
  const std::size_t equals = word.find('=');
  const std::string_view given = word.substr(0, equals);
  const bool is_long = given.size() > 2;
  MeantOption meant;
  for (const CliOption* option : options) {
    for (const std::string_view name : option->names) {
      const bool same = name == given || (is_long && name.starts_with("--") && given[1] != '-' &&
                                          name.substr(1) == given);
      if (same) meant = {option, name, false, {}};
    }
  }
  if (meant.option != nullptr && equals != std::string_view::npos) {
    meant.has_value = true;
    meant.value = word.substr(equals + 1);
  }
  return meant;
}

std::vector<const CliOption*> options_of(const CliOutline& outline,
                                         const CliCommandOutline* command) {
  std::vector<const CliOption*> out;
  for (const CliOption& option : outline.options) out.push_back(&option);
  if (command == nullptr) return out;
  for (const CliOption& option : command->options) out.push_back(&option);
  for (const CliOption& option : command->hidden_options) out.push_back(&option);
  return out;
}

std::vector<const CliOption*> options_of_all(const CliOutline& outline) {
  std::vector<const CliOption*> out = options_of(outline, nullptr);
  for (const CliCommandOutline& command : outline.commands) {
    for (const CliOption& option : command.options) out.push_back(&option);
    for (const CliOption& option : command.hidden_options) out.push_back(&option);
  }
  return out;
}

bool takes_next(const MeantOption& meant) {
  return meant.option != nullptr && !meant.option->value.empty() && !meant.has_value;
}

/// The first of @p words from @p from on that is neither an option nor the value of one.
std::optional<std::size_t> first_plain(const std::vector<const CliOption*>& options,
                                       const std::vector<std::string>& words, std::size_t from) {
  for (std::size_t i = from; i < words.size() && words[i] != "--"; ++i) {
    if (!looks_like_option(words[i])) return i;
    if (takes_next(meant_option(options, words[i]))) ++i;
  }
  return std::nullopt;
}

/// @p words from the second on, in CLI11's own style.
std::vector<std::string> in_one_style(const std::vector<const CliOption*>& options,
                                      const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") {
      out.insert(out.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      break;
    }
    const MeantOption meant = looks_like_option(word) ? meant_option(options, word) : MeantOption{};
    if (meant.option == nullptr) {
      out.push_back(word);
      continue;
    }
    const bool is_long = meant.name.starts_with("--");
    std::string name(meant.name);
    if (meant.has_value && is_long) name += "=" + std::string(meant.value);
    out.push_back(name);
    if (meant.has_value && !is_long) out.emplace_back(meant.value);
    if (takes_next(meant) && i + 1 < words.size()) out.push_back(words[++i]);
  }
  return out;
}

}  // namespace

CliArguments read_arguments(const CliOutline& outline, std::vector<std::string> words) {
  CliArguments out;
  const std::optional<std::size_t> plain = first_plain(options_of_all(outline), words, 0);
  out.command = plain ? outline.find(words[*plain]) : nullptr;
  if (out.command != nullptr) {
    const auto at = words.begin() + static_cast<std::ptrdiff_t>(*plain);
    std::rotate(words.begin(), at, at + 1);
  } else if (!words.empty() && looks_like_option(words.front()) &&
             meant_option(options_of_all(outline), words.front()).option == nullptr) {
    // What follows it may be its value, whatever it was meant to be.
    out.unknown = words.front();
  } else if (const CliCommandOutline* const usual = outline.find(outline.program.default_command);
             usual != nullptr && !words.empty() && looks_like_option(words.front()) &&
             meant_option(options_of(outline, nullptr), words.front()).option == nullptr &&
             meant_option(options_of(outline, usual), words.front()).option != nullptr) {
    out.command = usual;
    words.insert(words.begin(), usual->facts.name);
  } else if (plain) {
    out.unknown = words[*plain];
  }
  const std::vector<const CliOption*> options = options_of(outline, out.command);
  if (out.command != nullptr && out.command->facts.runs_program) {
    const auto program = first_plain(options, words, 1);
    if (program) words.insert(words.begin() + static_cast<std::ptrdiff_t>(*program), "--");
  }
  out.words = in_one_style(options, words);
  return out;
}

}  // namespace rouse
