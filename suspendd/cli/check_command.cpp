#include "base/async/task_group.hpp"
#include "base/async/use_task.hpp"
#include "base/http/stream_deadlines.hpp"
#include "base/text/json_writer.hpp"
#include "suspendd/box/clock.hpp"
#include "suspendd/box/tree_nic_port.hpp"
#include "suspendd/cli/operator_commands.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/proxy/power_client.hpp"
#include "suspendd/state/state_dir.hpp"
#include "suspendd/trap_context.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>

namespace rouse::suspendd {

namespace {

using Clock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

constexpr std::chrono::seconds kCheckBusPatience{2};

void say(const std::string& text) {
  std::fprintf(stderr, "rouse-suspendd check: %s\n", text.c_str());
}

/// Asks everybody once, without a daemon.
Task<void> ask(asio::io_context& context, const CliOptions& options,
               std::shared_ptr<const Config> config, TaskGroup& tasks, Bus& bus, TrapContext& out) {
  tasks.spawn(bus.run());
  Timer timer(context.get_executor());
  const Clock::time_point latest = Clock::now() + kCheckBusPatience;
  while (!bus.connected() && Clock::now() < latest) {
    timer.expires_after(std::chrono::milliseconds(20));
    co_await timer.async_wait(use_task);
  }
  StreamDeadlines deadlines(context.get_executor());
  HttpPool pool(context.get_executor(), HttpLimits(), deadlines);
  PowerClient power(context.get_executor(), pool, deadlines, config->proxy.socket);
  std::string proxy_error;
  if (power.has_socket()) {
    const Result<PowerClient::Activity> activity = co_await power.activity();
    if (!activity) proxy_error = activity.error().message();
  }
  StateDir state(config->state_dir);
  core::suspend::Memory memory;
  if (Result<core::suspend::Memory> loaded = state.peek()) memory = std::move(*loaded);
  Logind logind(bus);
  out = co_await read_trap_context(logind, *config, std::move(memory), read_now(Root(options.root)),
                                   std::move(proxy_error), power.pid());
  out.asked_as_root = ::geteuid() == 0;
  tasks.cancel(asio::cancellation_type::terminal);
}

void print_text(const std::vector<Trap>& traps) {
  std::size_t width = 0;
  for (const Trap& trap : traps) width = std::max(width, trap.title.size());
  for (const Trap& trap : traps) {
    const char* const word = trap.severity == Severity::Ok     ? "ok    "
                             : trap.severity == Severity::Warn ? "warn  "
                                                               : "REFUSE";
    std::printf("%s  %-*s  %s\n", word, static_cast<int>(width), trap.title.c_str(),
                trap.what.c_str());
    if (!trap.todo.empty()) {
      std::printf("        %-*s  -> %s\n", static_cast<int>(width), "", trap.todo.c_str());
    }
  }
  const auto count = [&](Severity severity) {
    return std::count_if(traps.begin(), traps.end(),
                         [severity](const Trap& trap) { return trap.severity == severity; });
  };
  const auto refusals = count(Severity::Refuse);
  const auto warnings = count(Severity::Warn);
  if (refusals > 0) {
    std::printf("\n%ld thing%s would keep it from sleeping; %ld warning%s\n",
                static_cast<long>(refusals), refusals == 1 ? "" : "s", static_cast<long>(warnings),
                warnings == 1 ? "" : "s");
  } else {
    std::printf("\nit would sleep; %ld warning%s\n", static_cast<long>(warnings),
                warnings == 1 ? "" : "s");
  }
}

void print_json(const std::vector<Trap>& traps, const std::vector<Problem>& problems) {
  JsonWriter json;
  json.begin_object();
  json.key("problems");
  json.begin_array();
  for (const Problem& problem : problems) json.value(problem.str());
  json.end_array();
  json.key("findings");
  json.begin_array();
  for (const Trap& trap : traps) {
    json.begin_object();
    json.member("severity", name_of(trap.severity));
    json.member("title", trap.title);
    json.member("what", trap.what);
    json.member("todo", trap.todo);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  std::printf("%s\n", json.take().c_str());
}

}  // namespace

int check_box(const CliOptions& options) {
  const std::string file = options.config_file.empty() ? kUsualConfig : options.config_file;
  std::error_code unknown;
  const bool has_file = !options.config_file.empty() || std::filesystem::exists(file, unknown);
  if (!has_file) std::fprintf(stderr, "there is no %s: looking with the defaults\n", file.c_str());
  LoadedConfig loaded = has_file ? load_config(file) : parse_config("", file);
  for (const Problem& problem : loaded.problems) {
    std::fprintf(stderr, "%s\n", problem.str().c_str());
  }
  if (!loaded.config) {
    if (options.json) print_json({}, loaded.problems);
    return 2;
  }
  asio::io_context context(1);
  TrapContext trap_context;
  {
    Bus bus(context.get_executor(), BusOptions{options.bus});
    TaskGroup tasks(context.get_executor(), say);
    TaskGroup all(context.get_executor(), say);
    all.spawn(ask(context, options, loaded.config, tasks, bus, trap_context));
    context.run();
  }
  const Root root(options.root);
  const std::unique_ptr<NicPort> port = make_nic_port(root);
  std::vector<Trap> traps = find_traps(root, *port, trap_context);
  std::stable_sort(traps.begin(), traps.end(), [](const Trap& a, const Trap& b) {
    return static_cast<int>(a.severity) > static_cast<int>(b.severity);
  });
  if (options.json) {
    print_json(traps, loaded.problems);
  } else {
    print_text(traps);
  }
  return exit_status(traps);
}

}  // namespace rouse::suspendd
