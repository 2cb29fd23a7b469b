#pragma once

#include "base/cli/command_line.hpp"
#include "base/cli/config_page.hpp"

namespace rouse {

/// `docs`, a command that is not for people: prints the manual pages, the completions and the lines
/// of the examples, for packages and tests.
void add_docs_command(CommandLine& line, ConfigPage page);

}  // namespace rouse
