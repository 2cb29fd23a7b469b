#include "suspendd/cli/commands.hpp"
#include "suspendd/config/schema.hpp"

namespace rouse::suspendd {

CliProgram suspendd_program() {
  return {
      .name = "rouse-suspendd",
      .headline = "lets a machine sleep while nobody needs it",
      .version = ROUSE_VERSION,
      .about =
          "rouse-suspendd suspends the machine when no check finds it in use, after a handshake "
          "with rouse(1) by which no request is lost, and makes sure that a magic packet wakes it "
          "again. What a check cannot tell counts as use.\n\n"
          "`rouse-suspendd check` says what would keep the machine from sleeping, or from waking, "
          "before it bites. `rouse-suspendd explain` says why it is awake, and what happens next. "
          "The service only says what it would do until `dry_run` leaves the configuration, which "
          "is described in suspendd.yaml(5).\n\n"
          "Commands that speak to the daemon want root, its own user, or whom `control:` names: "
          "members of the group rouse, unless configured otherwise.",
      .first_steps = {{"rouse-suspendd check", "can it sleep, and be woken?"},
                      {"rouse-suspendd explain", "why is it awake?"},
                      {"rouse-suspendd hold --for 3h --why \"fine-tuning\"",
                       "awake for three hours"}},
      .statuses = {{"0", "It is done."},
                   {"1", "It could not be done, or the daemon has refused; stderr says why."},
                   {"2", "The command line or the configuration has errors."},
                   {"3", "The daemon does not run, or does not answer."}},
      .variables =
          {{"DBUS_SYSTEM_BUS_ADDRESS", "The D-Bus unless --bus says it."},
           {"NOTIFY_SOCKET, WATCHDOG_USEC, JOURNAL_STREAM",
            "Set by systemd: the daemon tells when it is ready and alive, and its log lines carry "
            "their priority for the journal."},
           {"any other", "`${env.NAME}` in the configuration is the value of NAME."}},
      .files = {{kUsualConfig, "The configuration where no other is named."},
                {"/etc/default/rouse-suspendd",
                 "Options (ROUSE_SUSPENDD_OPTIONS) and environment of rouse-suspendd.service."},
                {"/var/lib/rouse/suspendd", "State and history."},
                {"/run/rouse/suspendd.sock", "Where the daemon hears commands."},
                {"/run/rouse/power.sock", "Where it asks rouse whether the machine may sleep."},
                {"/usr/share/doc/rouse-suspendd/examples/suspendd.example.yaml",
                 "Every key, explained."},
                {"/usr/share/rouse/suspendd.schema.json", "The schema of the configuration."}},
      .signals = {{"SIGHUP",
                   "The daemon takes its configuration anew. One with errors changes nothing, and "
                   "the log says why."},
                  {"SIGTERM, SIGINT",
                   "The daemon ends, and lets go of every permission to sleep that it holds."}},
      .see_also = {"suspendd.yaml(5)", "rouse(1)", "systemd-sleep.conf(5)", "systemd-inhibit(1)"},
  };
}

ConfigPage suspendd_config_page() {
  return {
      .table = &config_table(),
      .name = "suspendd.yaml",
      .program = std::string("rouse-suspendd ") + ROUSE_VERSION,
      .headline = "configuration of rouse-suspendd",
      .about =
          "The configuration of rouse-suspendd(1): a YAML file, /etc/rouse/suspendd.yaml where no "
          "other is named. An empty file is fine: nothing needs to be set. `rouse-suspendd check` "
          "says what is wrong with it, `rouse-suspendd schema` prints a schema for editors. The "
          "daemon takes a changed file at SIGHUP; one with errors changes nothing. A key that is "
          "not known is an error, since what it meant to keep awake would sleep.\n\n"
          "A time is `90s`, `1m30s`, `250ms`, `2h`, or a number of seconds; a size is `64MiB`, or "
          "a number of bytes. `${env.NAME}` in any value is a variable of the environment.\n\n"
          "`checks` is a list of mappings whose key `kind` says which of the tables below has "
          "their other keys. A kind alone, as plain text, stands for its defaults.",
      .see_also = {"rouse-suspendd(1)", "rouse(1)", "rouse.yaml(5)"},
  };
}

}  // namespace rouse::suspendd
