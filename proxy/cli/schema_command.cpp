#include "proxy/cli/commands.hpp"
#include "proxy/config/schema.hpp"

#include <cstdio>

namespace rouse {

void add_schema_command(CommandLine& line) {
  line.add({
      .name = "schema",
      .headline = "print the JSON schema of the configuration, for editors",
      .about =
          "Editors with yaml-language-server take it when the first line of the configuration is "
          "`# yaml-language-server: $schema=config.schema.json`.",
      .examples = {{"rouse schema > config.schema.json", "beside the configuration"}},
      .act =
          [] {
            std::fputs(json_schema().c_str(), stdout);
            return 0;
          },
  });
}

}  // namespace rouse
