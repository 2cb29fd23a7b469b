#pragma once

#include "base/cli/config_page.hpp"
#include "base/cli/outline.hpp"

namespace rouse::test {

/// What must be true of any program's command line: each option says what its value is; help,
/// manual and the completions of three shells have every command and every option. What is not
/// fails the test.
void expect_documented(const CliOutline& outline);

/// That the manual of a configuration has every key of its table, with the example's values.
void expect_documented(const ConfigPage& page, const std::string& example);

}  // namespace rouse::test
