#include "suspendd/cli/commands.hpp"
#include "suspendd/cli/operator_commands.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace rouse::suspendd {

namespace {

int print_page(const CliOptions& options, const char* text_path) {
  return print_answer(ask_daemon(options, "GET", options.json ? "/v1/status" : text_path));
}

}  // namespace

void add_view_commands(CommandLine& line, const SharedCliOptions& options) {
  line.add({
      .name = "status",
      .headline = "one line: what it does, and why",
      .examples = {{"rouse-suspendd status", "for a person, or a status bar"},
                   {"rouse-suspendd status --json", "all that the daemon knows"}},
      .act = [options] { return print_page(*options, "/v1/brief"); },
  });
  line.add({
      .name = "explain",
      .headline = "why is it awake, and what happens next?",
      .examples = {{"rouse-suspendd explain", "the page for midnight"}},
      .act = [options] { return print_page(*options, "/v1/explain"); },
  });
  const auto last = std::make_shared<std::size_t>(50);
  CLI::App& history = line.add({
      .name = "history",
      .headline = "what it did, and what it was told",
      .examples = {{"rouse-suspendd history -n 5", "the last five lines"}},
      .act = [options, last] { return print_history(*options, *last); },
  });
  history.add_option("-n,--last", *last, "so many lines")
      ->type_name("NUMBER")
      ->capture_default_str()
      ->check(CLI::Validator(
          [](std::string& text) {
            const bool is_number = !text.empty() && text.size() < 10 &&
                                   text.find_first_not_of("0123456789") == std::string::npos;
            return is_number ? std::string() : "\"" + text + "\" is no whole number";
          },
          ""));
}

}  // namespace rouse::suspendd
