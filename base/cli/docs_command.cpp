#include "base/cli/docs_command.hpp"

#include "base/cli/completion.hpp"
#include "base/cli/man_page.hpp"

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>

namespace rouse {

namespace {

struct DocsOptions {
  std::string what;
  std::string example;
};

/// Today, or the day that SOURCE_DATE_EPOCH means, so that a package comes out the same again.
std::string date_of_page() {
  const char* const fixed = std::getenv("SOURCE_DATE_EPOCH");
  const std::time_t now = fixed != nullptr ? std::strtoll(fixed, nullptr, 10) : std::time(nullptr);
  return fmt::format("{:%Y-%m-%d}", fmt::gmtime(now));
}

/// nullopt: said on stderr.
std::optional<std::string> config_manual(const ConfigPage& page, const std::string& file) {
  std::ifstream in(file);
  if (!in) {
    std::fprintf(stderr, "docs: cannot read --example %s\n", file.c_str());
    return std::nullopt;
  }
  const std::string example(std::istreambuf_iterator<char>(in), {});
  std::vector<Problem> problems;
  std::string out = config_man_page(page, example, date_of_page(), problems);
  for (const Problem& problem : problems) std::fprintf(stderr, "%s\n", problem.str().c_str());
  if (!problems.empty()) return std::nullopt;
  return out;
}

/// A line for each example, as it stands in help and manual.
std::string example_lines_of(const CliOutline& outline) {
  std::string out;
  for (const CliNote& note : outline.program.first_steps) out += note.name + "\n";
  for (const CliCommandOutline* command : outline.shown()) {
    for (const CliNote& note : command->facts.examples) out += note.name + "\n";
  }
  return out;
}

std::optional<std::string> document(const CliOutline& outline, const ConfigPage& page,
                                    const DocsOptions& options) {
  if (options.what == "man") return man_page(outline, date_of_page());
  if (options.what == "config-man") return config_manual(page, options.example);
  if (options.what == "bash") return bash_completion(outline);
  if (options.what == "zsh") return zsh_completion(outline);
  if (options.what == "fish") return fish_completion(outline);
  return example_lines_of(outline);
}

}  // namespace

void add_docs_command(CommandLine& line, ConfigPage page) {
  const auto options = std::make_shared<DocsOptions>();
  CLI::App& command = line.add({
      .name = "docs",
      .headline = "print the manual, the completions or the examples",
      .hidden = true,
      .act =
          [&line, options, page = std::move(page)] {
            const auto text = document(line.outline(), page, *options);
            if (!text) return 1;
            std::fputs(text->c_str(), stdout);
            return std::fflush(stdout) == 0 ? 0 : 1;
          },
  });
  command.add_option("WHAT", options->what, "man, config-man, bash, zsh, fish or examples")
      ->required()
      ->check(CLI::IsMember({"man", "config-man", "bash", "zsh", "fish", "examples"}));
  command.add_option("--example", options->example, "of config-man: a file with every key")
      ->type_name("FILE");
}

}  // namespace rouse
