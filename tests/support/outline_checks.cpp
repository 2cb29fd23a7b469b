#include "tests/support/outline_checks.hpp"

#include "base/cli/completion.hpp"
#include "base/cli/help_text.hpp"
#include "base/cli/man_page.hpp"
#include "base/cli/roff.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace rouse::test {

namespace {

using testing::AnyOf;
using testing::HasSubstr;

/// The part of a manual between the title of @p command and the next one.
std::string part_of(const std::string& page, const std::string& program,
                    const std::string& command) {
  const std::string title = ".SS \"" + roff_text(program + " " + command) + "\"\n";
  const std::size_t begin = page.find(title);
  if (begin == std::string::npos) return {};
  return page.substr(begin, page.find("\n.S", begin + title.size()) - begin);
}

void expect_option(const CliOption& option, const std::string& help, const std::string& manual) {
  EXPECT_FALSE(option.text.empty()) << option.usage() << " says nothing of itself";
  EXPECT_NE(option.value, "TEXT") << option.usage() << " does not say what its value is";
  EXPECT_THAT(help, HasSubstr(option.names.empty() ? option.value : option.usage()));
  if (option.names.empty()) EXPECT_THAT(manual, HasSubstr(roff_placeholder(option.value)));
  for (const std::string& name : option.names) EXPECT_THAT(manual, HasSubstr(roff_bold(name)));
}

void expect_completed(const CliOutline& outline, const CliCommandOutline& command) {
  const std::string bash = bash_completion(outline);
  const std::string zsh = zsh_completion(outline);
  const std::string fish = fish_completion(outline);
  const std::string& name = command.facts.name;
  const std::size_t begin = zsh.find("\n      " + name + ")\n");
  ASSERT_NE(begin, std::string::npos) << name;
  const std::string in_zsh = zsh.substr(begin, zsh.find(";;", begin) - begin);
  // The words that it offers where an option begins; without options of its own those of all.
  const std::size_t words = bash.find("\n      " + name + ") ");
  const std::string in_bash =
      words == std::string::npos ? "" : bash.substr(words, bash.find(";;", words) - words);
  EXPECT_THAT(fish, HasSubstr(" -a " + name + " -d "));
  for (const CliOption& option : command.options) {
    for (const std::string& each : option.names) {
      EXPECT_THAT(in_bash, AnyOf(HasSubstr(" " + each + " "), HasSubstr("'" + each + " "))) << name;
      EXPECT_THAT(in_zsh, AnyOf(HasSubstr(")" + each), HasSubstr("*" + each))) << name;
      const std::string in_fish =
          each.starts_with("--") ? " -l " + each.substr(2) : " -s " + each.substr(1);
      EXPECT_THAT(fish, HasSubstr(in_fish + " ")) << name;
    }
  }
}

/// No line but one that is to be pasted.
void expect_narrow(const std::string& help) {
  std::size_t begin = 0;
  while (begin < help.size()) {
    const std::size_t end = std::min(help.find('\n', begin), help.size());
    const std::string line = help.substr(begin, end - begin);
    EXPECT_TRUE(line.size() <= 80 || line.starts_with("  rouse")) << line;
    begin = end + 1;
  }
}

}  // namespace

void expect_documented(const CliOutline& outline) {
  const std::string& program = outline.program.name;
  const std::string page = man_page(outline, "2026-01-02");
  const std::string overview = help_text(outline);
  EXPECT_FALSE(outline.shown().empty());
  expect_narrow(overview);
  expect_narrow(short_help(outline));
  for (const CliCommandOutline* command : outline.shown()) {
    SCOPED_TRACE(program + " " + command->facts.name);
    const std::string manual = part_of(page, program, command->facts.name);
    EXPECT_FALSE(manual.empty()) << "the manual does not have it";
    EXPECT_THAT(overview, HasSubstr("\n  " + command->facts.name + " "));
    const std::string help = help_text(outline, *command);
    expect_narrow(help);
    for (const CliOption& option : command->options) expect_option(option, help, manual);
    for (const CliOption& argument : command->arguments) expect_option(argument, help, manual);
    for (const CliNote& status : command->facts.statuses) {
      EXPECT_THAT(help, HasSubstr("\n  " + status.name + "  "));
      EXPECT_THAT(manual, HasSubstr(".TP\n" + roff_bold(status.name) + "\n"));
    }
    for (const CliNote& example : command->facts.examples) {
      EXPECT_THAT(help, HasSubstr("\n  " + example.name));
      EXPECT_THAT(page, HasSubstr(roff_bold(example.name)));
    }
    expect_completed(outline, *command);
  }
  for (const CliOption& option : outline.options) expect_option(option, overview, page);
}

void expect_documented(const ConfigPage& facts, const std::string& example) {
  std::vector<Problem> problems;
  const std::string page = config_man_page(facts, example, "2026-01-02", problems);
  EXPECT_TRUE(problems.empty());
  for (const ConfigSection& section : facts.table->sections) {
    for (const ConfigKey& key : section.keys) {
      const std::size_t item = page.find("\n.TP\n" + roff_bold(key.name) + " (");
      EXPECT_NE(item, std::string::npos) << section.name << "." << key.name;
    }
  }
}

}  // namespace rouse::test
