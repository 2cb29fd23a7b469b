#include "proxy/cli/config_arguments.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace rouse {

void add_config_options(CLI::App& command, ConfigSources& sources) {
  command.add_option("-c,--config", sources.file, "the configuration")->type_name("FILE");
  command.add_option("--config-dir", sources.dir, "and all *.yaml and *.yml of this folder")
      ->type_name("DIR");
}

void add_config_arguments(CLI::App& command, ConfigSources& sources) {
  CLI::Option* const plain = command.add_option(
      "FILE", sources.file, std::string("the configuration; ") + kUsualConfig + " unless given");
  add_config_options(command, sources);
  plain->excludes("--config");
}

bool find_config(ConfigSources& sources, const std::string& name) {
  if (!sources.file.empty() || !sources.dir.empty()) return true;
  if (std::filesystem::exists(kUsualConfig)) {
    sources.file = kUsualConfig;
    return true;
  }
  const bool is_here = std::filesystem::exists("config.yaml");
  std::fprintf(stderr, "rouse %s: no configuration is named, and there is no %s\n  rouse %s %s\n",
               name.c_str(), kUsualConfig, name.c_str(), is_here ? "config.yaml" : "FILE");
  return false;
}

void take_from_environment(CLI::Option& option, const char* variable) {
  option.envname(variable)->check(CLI::Validator(
      [variable](const std::string& given) {
        const char* const ours = std::getenv(variable);
        if (ours != nullptr && given == ours) return std::string();
        return std::string("a command line is seen by every user of this machine: put it into ") +
               variable;
      },
      ""));
}

void add_state_dir(CLI::App& command, std::string& folder) {
  command
      .add_option(
          "--state-dir", folder,
          "where engines, peers and history are remembered; $STATE_DIRECTORY, or rouse below "
          "~/.local/state unless given")
      ->type_name("DIR");
}

std::string default_state_dir() {
  if (const char* dir = std::getenv("STATE_DIRECTORY")) return dir;
  if (const char* dir = std::getenv("XDG_STATE_HOME")) return std::string(dir) + "/rouse";
  if (const char* home = std::getenv("HOME")) return std::string(home) + "/.local/state/rouse";
  return "/var/lib/rouse";
}

}  // namespace rouse
