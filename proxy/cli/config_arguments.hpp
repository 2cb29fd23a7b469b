#pragma once

#include "proxy/config/config.hpp"

#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace rouse {

/// What is taken when no configuration is named.
inline constexpr const char* kUsualConfig = "/etc/rouse/config.yaml";

/// -c/--config and --config-dir of a command; they set @p sources.
void add_config_options(CLI::App& command, ConfigSources& sources);
/// The same, and a plain FILE.
void add_config_arguments(CLI::App& command, ConfigSources& sources);

/// Where nothing was named, the usual file, if it is there. Nothing in @p sources afterwards: there
/// is none, which is said on stderr for the command @p name.
[[nodiscard]] bool find_config(ConfigSources& sources, const std::string& name);

/// @p option, which takes a secret, takes it from @p variable only: a command line is seen by every
/// user of the machine. One that has it is refused, and told where it belongs.
void take_from_environment(CLI::Option& option, const char* variable);

/// --state-dir of a command.
void add_state_dir(CLI::App& command, std::string& folder);
/// systemd's StateDirectory when there is one, else the user's own.
[[nodiscard]] std::string default_state_dir();

}  // namespace rouse
