#include "base/cli/man_page.hpp"

#include "base/cli/help_text.hpp"
#include "base/cli/roff.hpp"

#include <fmt/format.h>

namespace rouse {

namespace {

/// "\fB-c\fR, \fB--config\fR \fIFILE\fR"
std::string option_head(const CliOption& option) {
  std::string out;
  for (const std::string& name : option.names) {
    out += (out.empty() ? "" : ", ") + roff_bold(name);
  }
  if (option.value.empty()) return out;
  return out + (out.empty() ? "" : " ") + roff_placeholder(option.value);
}

std::string usage_line(const std::string& program, const CliCommandOutline& command) {
  std::string out = roff_bold(program + " " + command.facts.name);
  if (!command.options.empty()) out += " [" + roff_placeholder("OPTIONS") + "]";
  for (const CliOption& argument : command.arguments) {
    const std::string shown = roff_placeholder(argument.value) + (argument.repeats ? " ..." : "");
    out += argument.required ? " " + shown : " [" + shown + "]";
  }
  return out;
}

void add_options(RoffPage& page, const std::vector<CliOption>& options) {
  for (const CliOption& option : options) page.item(option_head(option), option_text(option));
}

void add_notes(RoffPage& page, const std::string& title, const std::vector<CliNote>& notes) {
  if (notes.empty()) return;
  page.section(title);
  for (const CliNote& note : notes) page.item(roff_bold(note.name), note.text);
}

void add_command(RoffPage& page, const std::string& program, const CliCommandOutline& command) {
  const CliCommand& facts = command.facts;
  page.subsection(program + " " + facts.name);
  page.raw(usage_line(program, command));
  page.text(sentence(facts.headline));
  if (!facts.about.empty()) page.text(facts.about);
  add_options(page, command.arguments);
  add_options(page, command.options);
  if (!facts.statuses.empty()) page.text("Exit status:");
  for (const CliNote& status : facts.statuses) page.item(roff_bold(status.name), status.text);
}

void add_variables(RoffPage& page, const CliOutline& outline) {
  page.section("Environment");
  for (const CliCommandOutline* command : outline.shown()) {
    for (const CliOption& option : command->options) {
      if (option.variable.empty()) continue;
      page.item(roff_bold(option.variable),
                fmt::format("{} The same as {} of `{} {}`, which wins.", sentence(option.text),
                            option.names.back(), outline.program.name, command->facts.name));
    }
  }
  for (const CliNote& note : outline.program.variables) page.item(roff_bold(note.name), note.text);
}

void add_examples(RoffPage& page, const CliOutline& outline) {
  page.section("Examples");
  for (const CliCommandOutline* command : outline.shown()) {
    for (const CliNote& example : command->facts.examples) {
      page.item(roff_bold(example.name), sentence(example.text));
    }
  }
}

}  // namespace

std::string man_page(const CliOutline& outline, const std::string& date) {
  const CliProgram& program = outline.program;
  RoffPage page(program.name, 1, date, program.name + " " + program.version, "User Commands");
  page.section("Name");
  page.raw(roff_text(program.name) + " \\- " + roff_text(program.headline));
  page.section("Synopsis");
  bool is_first = true;
  for (const CliCommandOutline* command : outline.shown()) {
    if (!is_first) page.raw(".br");
    is_first = false;
    page.raw(usage_line(program.name, *command));
  }
  if (!program.default_command.empty()) {
    page.raw(".br");
    page.raw(roff_bold(program.name) + " " +
             roff_placeholder("OPTIONS OF " + program.default_command));
  }
  page.section("Description");
  page.text(program.about);
  page.section("Commands");
  for (const CliCommandOutline* command : outline.shown())
    add_command(page, program.name, *command);
  page.section("Options");
  page.text(
      "These belong to every command, and may stand before it or behind it. Long options may "
      "have one dash or two, and their value behind a blank or an equals sign.");
  add_options(page, outline.options);
  add_notes(page, "Exit status", program.statuses);
  add_variables(page, outline);
  add_notes(page, "Files", program.files);
  add_notes(page, "Signals", program.signals);
  add_examples(page, outline);
  page.section("See also");
  page.raw(fmt::format("{}", fmt::join(program.see_also, ", ")));
  return page.take();
}

}  // namespace rouse
