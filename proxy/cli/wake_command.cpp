#include "proxy/cli/commands.hpp"
#include "proxy/cli/config_arguments.hpp"
#include "proxy/cli/wake_run.hpp"

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <vector>

namespace rouse {

namespace {

void add_wake_flags(CLI::App& command, WakeFlags& flags) {
  const auto add_list = [&command](const char* name, std::vector<std::string>& list,
                                   const char* text) {
    command.add_option(name, list, text)->allow_extra_args(false);
  };
  add_list("--mac", flags.mac, "the address of its network card; may be repeated");
  add_list("--broadcast", flags.broadcast, "such as 192.168.1.255");
  add_list("--port", flags.port, "UDP, 9 unless given");
  add_list("--unicast", flags.unicast, "also to this address");
  command.add_option("--interface", flags.interface, "packets leave by this one");
  command.add_option("--source", flags.source, "and from this IPv4 address of ours");
  command.add_option("--secureon", flags.secureon, "the card's password");
  command.add_flag("--raw", flags.raw, "also as ethertype 0x0842; needs CAP_NET_RAW");
  command.add_option("--relay", flags.relay, "a rouse-suspendd relay on its network");
  command.add_option("--relay-token", flags.relay_token, "(or set ROUSE_RELAY_TOKEN)")
      ->envname("ROUSE_RELAY_TOKEN");
}

}  // namespace

void add_wake_command(CommandLine& line) {
  const auto wake = std::make_shared<WakeOptions>();
  wake->state_dir = default_state_dir();
  CLI::App& command = line.add({
      .name = "wake",
      .headline = "wake a machine; exits with 0 when it is awake, 1 when it is not",
      .act = [wake] { return wake_machine(*wake); },
  });
  command.add_option("PEER", wake->peer, "a peer of the configuration");
  add_config_options(command, wake->sources);
  command.add_option("--state-dir", wake->state_dir, "where a proxy keeps what it has learned")
      ->capture_default_str();
  command.add_flag("--test", wake->test, "try one path after the other, and tell which one woke it");
  command.add_flag("--json", wake->json, "for a script");
  command.add_option("--url", wake->url, "where it answers when it is awake");
  command.add_option("--key", wake->key, "the API key that it wants");
  command.add_option("--timeout", wake->flags.timeout, "it must answer within this time");
  command.add_option("--pause", wake->pause, "of a test: for each path")->capture_default_str();
  add_wake_flags(command, wake->flags);
}

}  // namespace rouse
