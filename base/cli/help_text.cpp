#include "base/cli/help_text.hpp"

#include "base/text/text_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace rouse {

namespace {

constexpr std::size_t kHelpWidth = 80;

using Rows = std::vector<TableRow>;

/// @p text in lines that fit the window and begin at @p indent, the first one where it stands.
std::string folded(std::string_view text, std::size_t indent) {
  return fmt::format(
      "{}", fmt::join(wrap_text(text, kHelpWidth - indent), "\n" + std::string(indent, ' ')));
}

std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find("\n\n");
    out += folded(text.substr(0, end), 0) + "\n\n";
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 2);
  }
  return out;
}

std::string titled_rows(const std::string& title, const Rows& rows) {
  if (rows.empty()) return {};
  const TableFit fit{.look = {.width = kHelpWidth}, .wrap_last = true};
  return (title.empty() ? "" : title + ":\n") + text_table(rows, fit) + "\n";
}

Rows rows_of(const std::vector<CliNote>& notes) {
  Rows rows;
  for (const CliNote& note : notes) rows.push_back({note.name, note.text});
  return rows;
}

/// Lines to paste are never folded: the text stands below when there is no room beside.
std::string example_lines(const std::vector<CliNote>& examples) {
  if (examples.empty()) return {};
  std::size_t width = 0;
  for (const CliNote& note : examples) width = std::max(width, note.name.size());
  std::string out = "Examples:\n";
  for (const CliNote& note : examples) {
    const bool beside = 2 + width + 2 + note.text.size() <= kHelpWidth;
    out += beside ? fmt::format("  {:<{}}  {}\n", note.name, width, note.text)
                  : fmt::format("  {}\n      {}\n", note.name, folded(note.text, 6));
  }
  return out + "\n";
}

Rows option_rows(const std::vector<CliOption>& options) {
  Rows rows;
  for (const CliOption& option : options) {
    const bool only_long = option.names.size() == 1 && option.names.front().starts_with("--");
    rows.push_back({(only_long ? "    " : "") + option.usage(), option_text(option)});
  }
  return rows;
}

std::string title_line(const CliOutline& outline) {
  return fmt::format("{} {}: {}\n\n", outline.program.name, outline.program.version,
                     outline.program.headline);
}

}  // namespace

std::string sentence(std::string text) {
  if (text.empty()) return text;
  text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text.ends_with('.') || text.ends_with('?') ? text : text + ".";
}

std::string option_text(const CliOption& option) {
  std::string out = option.text;
  if (option.repeats && !option.names.empty()) out += "; may be repeated";
  std::vector<std::string> notes;
  if (option.required && !option.names.empty()) notes.emplace_back("required");
  if (!option.otherwise.empty()) notes.push_back("default: " + option.otherwise);
  if (!option.variable.empty()) notes.push_back("or set " + option.variable);
  if (!notes.empty()) out += fmt::format(" ({})", fmt::join(notes, "; "));
  return out;
}

std::string short_help(const CliOutline& outline) {
  std::string out = title_line(outline) + titled_rows("", rows_of(outline.program.first_steps));
  out += fmt::format("`{} help` lists all commands.\n", outline.program.name);
  return out;
}

std::string help_text(const CliOutline& outline) {
  const CliProgram& program = outline.program;
  std::string out = title_line(outline);
  out += fmt::format("Usage: {} COMMAND [OPTIONS]\n", program.name);
  if (!program.default_command.empty()) {
    out += fmt::format("       {} OPTIONS             the same as {} {} OPTIONS\n", program.name,
                       program.name, program.default_command);
  }
  out += "\n";
  Rows rows;
  for (const CliCommandOutline* command : outline.shown()) {
    rows.push_back({command->facts.name, command->facts.headline});
  }
  out += titled_rows("Commands", rows);
  out += titled_rows("Options of every command", option_rows(outline.options));
  return out +
         folded(fmt::format("`{0} help COMMAND` shows the options of one command. `man {0}` "
                            "is the manual.",
                            program.name),
                0) +
         "\n";
}

std::string help_text(const CliOutline& outline, const CliCommandOutline& command) {
  const CliCommand& facts = command.facts;
  std::string out = fmt::format("Usage: {} {}\n\n", outline.program.name, command.usage());
  out += folded(sentence(facts.headline), 0) + "\n\n";
  out += paragraphs(facts.about);
  Rows arguments;
  for (const CliOption& argument : command.arguments) {
    arguments.push_back({argument.value, option_text(argument)});
  }
  out += titled_rows("Arguments", arguments);
  out += titled_rows("Options", option_rows(command.options));
  out += titled_rows("Options of every command", option_rows(outline.options));
  out += example_lines(facts.examples);
  out += titled_rows("Exit status", rows_of(facts.statuses));
  out.pop_back();
  return out;
}

}  // namespace rouse
