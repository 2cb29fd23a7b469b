#include "proxy/cli/commands.hpp"

#include "base/cli/docs_command.hpp"
#include "proxy/cli/config_arguments.hpp"

namespace rouse {

CliProgram rouse_program() {
  return {
      .name = "rouse",
      .headline = "starts and stops language model engines on demand",
      .version = ROUSE_VERSION,
      .about =
          "rouse stands in front of language model engines (llama-server, vLLM, SGLang, anything "
          "that speaks HTTP) and starts and stops them on demand. A request names a model; rouse "
          "makes room for it, starts its engine, holds the request meanwhile and streams the "
          "answer. It can also wake another machine and forward to it.\n\n"
          "The configuration is described in rouse.yaml(5). llama-swap's configuration is taken as "
          "it is, and so are llama-swap's options: `rouse -config FILE -listen :8080 "
          "-watch-config` is the same as `rouse serve` with these options. Long options may have "
          "one dash or two. The one difference is on purpose: without `--listen`, rouse listens on "
          "127.0.0.1 alone, llama-swap on every address.",
      .default_command = "serve",
      .first_steps = {{"rouse check config.yaml", "what a configuration means, and what is wrong"},
                      {"rouse serve config.yaml", "run it; listens on 127.0.0.1:8080"},
                      {"rouse status", "what a running rouse does, and why"}},
      .statuses = {{"0", "It is done."},
                   {"1", "It could not be done; stderr says why."},
                   {"2", "The command line or the configuration has errors."}},
      .variables =
          {{"STATE_DIRECTORY, XDG_STATE_HOME, HOME",
            "Where state is kept unless --state-dir says it: $STATE_DIRECTORY, which systemd sets, "
            "else rouse below $XDG_STATE_HOME or ~/.local/state, else /var/lib/rouse."},
           {"RUNTIME_DIRECTORY",
            "The folder of the power socket where the configuration names none; /run/rouse unless "
            "set."},
           {"NOTIFY_SOCKET, WATCHDOG_USEC, JOURNAL_STREAM",
            "Set by systemd: the service tells when it is ready and alive, and its log lines carry "
            "their priority for the journal."},
           {"COLUMNS, LINES, NO_COLOR, TERM",
            "How wide the pages of status and explain are where standard output is no terminal, "
            "and "
            "whether they have colours where it is one."},
           {"any other",
            "Goes on to the engines. ${env.NAME} in the configuration is the value of NAME."}},
      .files = {{kUsualConfig, "The configuration where no other is named."},
                {"/etc/default/rouse", "Options (ROUSE_OPTIONS) and environment of rouse.service."},
                {"/var/lib/rouse",
                 "State of the service: engines that run, what is known of peers, the history."},
                {"/run/rouse/power.sock",
                 "Where rouse-suspendd asks whether the machine may sleep."},
                {"/usr/share/doc/rouse/examples/config.example.yaml", "Every key, explained."},
                {"/usr/share/rouse/config.schema.json", "The schema of the configuration."}},
      .signals =
          {{"SIGHUP",
            "Takes the configuration anew. One with errors changes nothing, and the log says why."},
           {"SIGTERM, SIGINT",
            "No new connections; running requests may end (schedule.shutdownDrain), then the "
            "engines stop. A second signal stops at once."}},
      .see_also = {"rouse.yaml(5)", "rouse-suspendd(1)", "systemctl(1)"},
  };
}

void add_commands(CommandLine& line) {
  add_serve_command(line);
  add_check_command(line);
  add_status_command(line);
  add_explain_command(line);
  add_wake_command(line);
  add_key_command(line);
  add_schema_command(line);
  add_docs_command(line, rouse_config_page());
  line.add_help_and_version();
}

}  // namespace rouse
