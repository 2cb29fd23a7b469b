#include "proxy/cli/commands.hpp"
#include "proxy/cli/new_key.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <string>

namespace rouse {

namespace {

int print_new_key(const std::string& name) {
  const Result<NewKey> made = make_key(name);
  if (!made) {
    std::fprintf(stderr, "rouse key: %s\n", made.error().message().c_str());
    return 2;
  }
  std::fputs(new_key_text(*made).c_str(), stdout);
  // On a full disk, for one, the only copy would be lost in silence.
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace

void add_key_command(CommandLine& line) {
  const auto name = std::make_shared<std::string>();
  CLI::App& command = line.add({
      .name = "key",
      .headline = "make an API key, and its entry for the configuration",
      .about = "The key is shown once and kept nowhere. The configuration has only the SHA-256 of "
               "a key, from which it cannot be learned, and "
               "what it may be used for. Nothing is written to any file.",
      .examples = {{"rouse key agent", "a key for \"agent\", and the lines that let it in"}},
      .act = [name] { return print_new_key(*name); },
  });
  command.add_option("NAME", *name, "who or what it is for: shown in logs and metrics")->required();
}

}  // namespace rouse
