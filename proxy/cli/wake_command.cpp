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
  const auto add_one = [&command](const char* name, std::string& value, const char* type,
                                  const char* text) {
    return command.add_option(name, value, text)->type_name(type);
  };
  const auto add_list = [&command](const char* name, std::vector<std::string>& list,
                                   const char* type, const char* text) {
    command.add_option(name, list, text)->type_name(type)->allow_extra_args(false);
  };
  add_list("--mac", flags.mac, "MAC", "the address of its network card");
  add_list("--broadcast", flags.broadcast, "IP",
           "send magic packets here: 192.168.1.255; the networks of the interfaces unless given");
  add_list("--port", flags.port, "PORT", "to this UDP port; 9 unless given");
  add_list("--unicast", flags.unicast, "IP", "also to this address, such as its own");
  add_one("--interface", flags.interface, "NAME", "packets leave by this one");
  add_one("--source", flags.source, "IP", "packets leave from this IPv4 address of ours");
  add_one("--secureon", flags.secureon, "PASSWORD",
          "the card's: six bytes in hex, or four with dots between");
  command.add_flag("--raw", flags.raw, "also without IP, as ethertype 0x0842; needs CAP_NET_RAW");
  add_one("--relay", flags.relay, "URL", "by a rouse-suspendd relay on its network");
  CLI::Option* const token = add_one("--relay-token", flags.relay_token, "TOKEN",
                                     "the token that the relay wants; by ROUSE_RELAY_TOKEN only");
  take_from_environment(*token, "ROUSE_RELAY_TOKEN");
}

}  // namespace

void add_wake_command(CommandLine& line) {
  const auto wake = std::make_shared<WakeOptions>();
  wake->state_dir = default_state_dir();
  CLI::App& command = line.add({
      .name = "wake",
      .headline = "wake a machine, and tell when it answers",
      .about =
          "Sends wake signals by every way that is known, again and again, until the machine has "
          "answered on a new connection. What options say takes the place of what the "
          "configuration has for the peer. Without an address to ask at (--url), a few volleys are "
          "sent, and nobody knows what came of them.",
      .examples = {{"rouse wake attic", "as the configuration says; what became of each path"},
                   {"rouse wake attic -c config.yaml --test",
                    "asleep: which of the paths gets through, one by one"},
                   {"rouse wake --mac 3c:7c:3f:12:34:56 --url http://192.168.1.20:8080",
                    "without a configuration"}},
      .statuses = {{"0", "It is awake; or, without an address to ask at, a packet was sent."},
                   {"1", "It has not answered in time."},
                   {"2", "What was asked for cannot be done; or a test found it awake."}},
      .act = [wake] { return wake_machine(*wake); },
  });
  command.add_option("PEER", wake->peer, "a peer of the configuration; none where --mac is given");
  add_config_options(command, wake->sources);
  add_state_dir(command, wake->state_dir);
  command.add_flag("--test", wake->test,
                   "try one path after the other, and tell which one woke it");
  command.add_flag("--json", wake->json, "one object at the end, for scripts");
  command.add_option("--url", wake->url, "where it answers when it is awake")->type_name("URL");
  CLI::Option* const key =
      command.add_option("--key", wake->key, "the API key that it wants; by ROUSE_PEER_KEY only");
  take_from_environment(*key->type_name("KEY"), "ROUSE_PEER_KEY");
  command
      .add_option("--timeout", wake->flags.timeout,
                  "it must answer within this time; 2m unless configured")
      ->type_name("TIME");
  command.add_option("--pause", wake->pause, "of a test: for each path")
      ->type_name("TIME")
      ->capture_default_str();
  add_wake_flags(command, wake->flags);
}

}  // namespace rouse
