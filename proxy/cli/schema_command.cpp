#include "proxy/cli/commands.hpp"
#include "proxy/config/schema.hpp"

#include <cstdio>

namespace rouse {

void add_schema_command(CommandLine& line) {
  line.add({
      .name = "schema",
      .headline = "print the JSON schema of the configuration, for editors",
      .act =
          [] {
            std::fputs(json_schema().c_str(), stdout);
            return 0;
          },
  });
}

void add_version_command(CommandLine& line) {
  line.add({
      .name = "version",
      .headline = "print the version",
      .act =
          [] {
            std::printf("rouse %s\n", ROUSE_VERSION);
            return 0;
          },
  });
}

}  // namespace rouse
