#include "suspendd/cli/commands.hpp"
#include "suspendd/cli/operator_commands.hpp"
#include "suspendd/cli/time_option.hpp"

#include <memory>
#include <string>

namespace rouse::suspendd {

namespace {

void add_suspend_command(CommandLine& line, const SharedCliOptions& options) {
  const auto force = std::make_shared<bool>(false);
  CLI::App& command = line.add({
      .name = "suspend",
      .headline = "sleep now, if nothing is active",
      .examples = {{"rouse-suspendd suspend", "or say what is active"}},
      .act =
          [options, force] {
            const char* const body = *force ? R"({"force":true})" : R"({"force":false})";
            return print_reply(ask_daemon(*options, "POST", "/v1/suspend", body), options->json);
          },
  });
  command.add_flag("--force", *force, "also if something is; never while requests run");
}

void add_wake_test_command(CommandLine& line, const SharedCliOptions& options) {
  struct WakeTest {
    std::string net = "15m";
    bool sure = false;
  };
  const auto test = std::make_shared<WakeTest>();
  CLI::App& command = line.add({
      .name = "wake-test",
      .headline = "sleep now, and see what wakes it",
      .about =
          "Asks first. Then send the machine a magic packet from another one. Should none wake "
          "it, its own clock does.",
      .examples = {{"rouse-suspendd wake-test", "says whether a packet has woken it"}},
      .statuses = {{"0", "A packet has woken it."},
                   {"1", "Something else has, or it has not slept."}},
      .act = [options,
              test] { return test_wake(*options, *parse_duration(test->net), test->sure); },
  });
  takes_time(command.add_option("--net", test->net,
                                "its clock wakes it after so long, if nothing else does"))
      ->capture_default_str();
  command.add_flag("-y,--yes", test->sure, "does not ask");
}

}  // namespace

void add_sleep_commands(CommandLine& line, const SharedCliOptions& options) {
  add_suspend_command(line, options);
  add_wake_test_command(line, options);
  line.add({
      .name = "unblock",
      .headline = "let it try again",
      .about =
          "After five failures in a row, or three wakes for nothing, it does not sleep any more "
          "until it is told to.",
      .examples = {{"rouse-suspendd unblock", "once what was wrong is mended"}},
      .act =
          [options] {
            return print_reply(ask_daemon(*options, "POST", "/v1/unblock", "{}"), options->json);
          },
  });
  line.add({
      .name = "gate",
      .headline = "the last word before any suspend (for systemd)",
      .about = "Run by rouse-suspendd-gate.service before a suspend, whoever has asked for it: "
               "requests are drained first. Without a daemon, the suspend goes on.",
      .statuses = {{"0", "The suspend may go on."}, {"1", "It may not: gate.on_busy is deny."}},
      .act = [options] { return open_gate(*options); },
  });
}

}  // namespace rouse::suspendd
