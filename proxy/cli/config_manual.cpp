#include "proxy/cli/commands.hpp"
#include "proxy/config/schema.hpp"

namespace rouse {

ConfigPage rouse_config_page() {
  return {
      .table = &config_table(),
      .name = "rouse.yaml",
      .program = std::string("rouse ") + ROUSE_VERSION,
      .headline = "configuration of rouse",
      .about =
          "The configuration of rouse(1): a YAML file, /etc/rouse/config.yaml where no other is "
          "named, or all *.yaml and *.yml of a folder (`--config-dir`), which are merged. "
          "llama-swap's configuration is taken as it is. `rouse check FILE` says what is wrong "
          "with a file and what it means, `rouse schema` prints a schema for editors. A running "
          "rouse takes a changed file at SIGHUP, or by itself with `--watch-config`; one with "
          "errors changes nothing.\n\n"
          "Only `models` or `peers` is needed. Texts may have macros: `${NAME}` is one of "
          "`macros:`, `${PORT}` a free port for each model, `${MODEL_ID}` the id of the model, "
          "`${env.NAME}` a variable of the environment, `${PID}` (in `cmdStop` alone) the process "
          "id of the engine.\n\n"
          "A time is `90s`, `1m30s`, `250ms`, or a number of seconds; a size is `64MiB`, or a "
          "number of bytes. Where a key has seconds, it says so and is a whole number. NAME in "
          "the titles below is a name of your choice.",
      .see_also = {"rouse(1)", "rouse-suspendd(1)", "suspendd.yaml(5)"},
  };
}

}  // namespace rouse
