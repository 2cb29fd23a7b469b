#include "suspendd/daemon.hpp"

#include "base/async/use_task.hpp"
#include "base/config/tell_problems.hpp"
#include "base/process/spawn.hpp"
#include "base/service/log.hpp"
#include "base/service/sd_notify.hpp"
#include "core/sleep/to_string.hpp"
#include "suspendd/box/clock.hpp"
#include "suspendd/box/tree_nic_port.hpp"
#include "suspendd/checks/checks.hpp"
#include "suspendd/checks/gpu.hpp"
#include "suspendd/config/policy_settings.hpp"
#include "suspendd/daemon_parts.hpp"
#include "suspendd/proxy/json_ask.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace rouse::suspendd {

namespace policy = core::suspend;

namespace {

using namespace std::chrono_literals;

constexpr auto kBusPatience = 2s;   // at the start, for what logind says
constexpr auto kEndPatience = 25s;  // for the proxy, and for hooks; systemd's is 30 s

void report_error(const std::string& text) {
  spdlog::error("a task ended by an exception: {}", text);
}

GpuProbeSettings gpu_settings(const Config& config, const std::string& root) {
  GpuProbeSettings settings;
  settings.nvml = config.gpu.nvml;
  if (!config.gpu.cuda) settings.cuda.clear();
  settings.root = root;
  settings.self_test = config.gpu.timeout;
  return settings;
}

std::string boot_id_of(const Root& root) {
  const Result<std::string> id = read_boot_id(root);
  return id ? *id : "unknown-boot";
}

}  // namespace

Daemon::Daemon(asio::io_context& context, std::shared_ptr<const Config> config,
               DaemonOptions options, StateDir& state, policy::Memory memory)
    : options_(std::move(options)),
      config_(std::move(config)),
      root_(options_.root),
      boot_id_(boot_id_of(root_)),
      executor_(context.get_executor()),
      deadlines_(executor_),
      tasks_(executor_, report_error),
      last_tasks_(executor_, report_error),
      pool_(executor_, HttpLimits(), deadlines_),
      state_(state),
      bus_(executor_, BusOptions{options_.bus}),
      logind_(bus_),
      units_(bus_),
      rules_(logind_, units_),
      lock_(logind_, "rouse-suspendd", "tells the proxy before the machine sleeps"),
      gpu_(executor_, gpu_settings(*config_, options_.root)),
      nic_port_(make_nic_port(root_)),
      check_runner_(tasks_,
                    [this](const CheckRunner::Post& post) { loop_.tell(check_reported(post)); }),
      preflight_(check_runner_, logind_, root_, *nic_port_),
      power_(executor_, pool_, deadlines_, config_->proxy.socket),
      notices_(tasks_, pool_, state_),
      action_runner_({last_tasks_, power_, logind_, lock_, gpu_, preflight_, check_runner_, state_,
                      notices_, root_},
                     boot_id_, [this](policy::Event event) { loop_.tell(std::move(event)); }),
      loop_(executor_, root_, policy_settings(*config_, options_.dry_run), std::move(memory),
            boot_id_, [this](const policy::Action& action) { action_runner_.perform(action); }),
      watch_(
          logind_, root_, [this] { loop_.tell(policy::SleepStarting()); },
          [this](policy::Evidence evidence) { woke(std::move(evidence)); },
          [this] { return loop_.is_alarm_due(); }),
      control_(
          tasks_, deadlines_, loop_, notices_, state_, [this] { return make_report(); },
          [this](std::optional<policy::WallTime> at) { set_safety_net(at); }),
      checks_{executor_,
              pool_,
              unix_endpoint(config_->proxy.socket),
              root_,
              &logind_,
              &units_,
              [this] { return plan_.next_in(loop_.now().realtime); }},
      proxy_watch_(executor_, power_, loop_, action_runner_, preflight_),
      life_(executor_),
      bell_(executor_, Clock::time_point::max()) {
  action_runner_.attach(loop_);
}

Task<void> Daemon::run() {
  life_.watch(
      [this](LifeSignals::Request request, const std::string& what) { heard(request, what); });
  configure();
  tasks_.spawn(bus_.run());
  tasks_.spawn(logind_.run());
  tasks_.spawn(ask_logind());
  while (!has_asked_ && !is_ending_) co_await bell_.async_wait(use_task);
  if (is_ending_) {
    spdlog::info("{}: ends before it has begun", ended_by_);
  } else if (const std::string failed = control_.listen(*config_); !failed.empty()) {
    spdlog::error("{}", failed);
    notify_status("cannot start: " + failed);
    exit_status_ = 1;
  } else {
    start();
    while (!is_ending_) co_await bell_.async_wait(use_task);
    co_await say_goodbye();
  }
  co_await leave();
  if (is_up_) spdlog::info("bye");
}

void Daemon::heard(LifeSignals::Request request, const std::string& what) {
  if (request == LifeSignals::Request::Reload) {
    if (is_up_ && !is_ending_) reload();
    reload_waits_ = !is_up_;
    return;
  }
  if (is_ending_ && request == LifeSignals::Request::Close) return;
  is_impatient_ = std::exchange(is_ending_, true);
  if (is_impatient_) {
    spdlog::warn("{} while it ends: waits for nothing any more", what);
  } else {
    ended_by_ = what;
  }
  bell_.cancel();
}

void Daemon::configure() {
  withhold_from_programs(config_->withheld);
  action_runner_.configure(config_);
  notices_.configure(config_);
  proxy_watch_.configure(config_);
  control_.configure(config_);
  preflight_.look(*config_);
}

Task<void> Daemon::ask_logind() {
  co_await wait_for_logind();
  has_asked_ = true;
  bell_.cancel();
}

Task<void> Daemon::wait_for_logind() {
  Timer timer(executor_);
  const Clock::time_point latest = Clock::now() + kBusPatience;
  while (!bus_.connected() && Clock::now() < latest && !is_ending_) {
    timer.expires_after(20ms);
    co_await timer.async_wait(use_task);
  }
  if (is_ending_) co_return;
  if (!bus_.connected()) {
    spdlog::warn("no connection to D-Bus ({}): it stays awake until there is one", bus_.trouble());
    co_return;
  }
  const Result<bool> preparing = co_await logind_.preparing_for_sleep();
  if (preparing) preparing_ = *preparing;
  co_await rules_.ask();
}

policy::Settings Daemon::settings() const {
  policy::Settings settings = policy_settings(*config_, options_.dry_run);
  rules_.apply(settings);
  return settings;
}

void Daemon::start() {
  spdlog::info("rouse-suspendd {}{}: sleeps after {} of idleness{}", ROUSE_VERSION,
               loop_.view().dry_run ? " (dry run: it never sleeps)" : "",
               span_text(config_->idle.time),
               root_.prefix().empty() ? "" : ", looking at the tree " + root_.prefix());
  if (config_->proxy.socket.empty()) spdlog::info("no proxy: only the checks are asked");
  if (preparing_) watch_.assume_asleep();
  loop_.tell(policy::Started{preparing_});
  loop_.tell(policy::Reconfigured{settings()});
  loop_.after_each([this] { proxy_watch_.ring(); });
  plan_wakeups();
  tasks_.spawn(lock_.keep());
  check_runner_.start(make_checks());
  if (power_.has_socket()) tasks_.spawn(proxy_watch_.watch());
  if (power_.has_socket()) tasks_.spawn(proxy_watch_.tell_facts());
  tasks_.spawn(keep_planning());
  tasks_.spawn(feed_watchdog(executor_));
  if (!control_.metrics_address().empty()) {
    spdlog::info("metrics: http://{}/metrics", control_.metrics_address());
  }
  notify_ready(loop_.view().reason);
  is_up_ = true;
  if (reload_waits_) reload();
}

std::vector<std::pair<CheckConfig, std::unique_ptr<Check>>> Daemon::make_checks() {
  std::vector<std::pair<CheckConfig, std::unique_ptr<Check>>> checks;
  for (const CheckConfig& config : config_->checks) {
    std::unique_ptr<Check> check;
    if (const auto* gpu = std::get_if<GpuCheck>(&config.settings)) {
      check = make_gpu_check(*gpu, gpu_, [this] { return owned_pids(); });
    } else {
      check = make_check(config, checks_);
    }
    if (check) checks.emplace_back(config, std::move(check));
  }
  return checks;
}

Task<void> Daemon::keep_planning() {
  Timer timer(executor_);
  for (;;) {
    timer.expires_after(std::max<Clock::duration>(config_->idle.poll, 5s));
    co_await timer.async_wait(use_task);
    if (co_await is_cancelled()) co_return;
    plan_wakeups();
    if (rules_.known() || !bus_.connected()) continue;
    co_await rules_.ask();
    if (rules_.known()) loop_.tell(policy::Reconfigured{settings()});
  }
}

void Daemon::woke(policy::Evidence evidence) {
  notify_alive();
  spdlog::info("PrepareForSleep(false): {}{}", to_string(evidence.wake),
               evidence.source.empty() ? "" : ", " + evidence.source);
  plan_.drop_safety_net();
  loop_.tell(policy::SleepEnded{std::move(evidence)});
  plan_wakeups();
}

Task<Report> Daemon::make_report() {
  Report report;
  const Result<std::vector<Inhibitor>> locks = co_await logind_.inhibitors();
  if (locks) {
    report.inhibitors = *locks;
  } else {
    report.inhibitors_error = locks.error().message();
  }
  preflight_.look(*config_);
  report.view = loop_.view();
  report.now = loop_.now();
  report.config = config_;
  report.posts = check_runner_.posts();
  report.nics = preflight_.nics();
  if (power_.has_socket()) report.proxy_error = action_runner_.proxy().error;
  report.bus_trouble = bus_.trouble();
  report.lock_trouble = lock_.trouble();
  report.log_only = root_.prefix();
  co_return report;
}

void Daemon::reload() {
  LoadedConfig loaded = load_config(options_.config_file);
  for (const Problem& problem : loaded.problems) {
    const bool is_error = problem.severity == Problem::Severity::Error;
    spdlog::log(is_error ? spdlog::level::err : spdlog::level::warn, "{}", problem.str());
  }
  // Somebody may still be writing it; the defaults would let the machine sleep when it may not.
  if (loaded.is_empty) {
    spdlog::error(
        "reload: {} is empty, and the old configuration stays in force (if all shall "
        "have its default, write {{}})",
        options_.config_file);
    return;
  }
  notify_reloading();
  if (!loaded.config) {
    spdlog::error("reload: the old configuration stays in force");
    notify_ready("a reload was refused: " + first_error(loaded.problems));
    return;
  }
  const bool needs_restart = loaded.config->control_socket != config_->control_socket ||
                             loaded.config->proxy.socket != config_->proxy.socket ||
                             loaded.config->metrics != config_->metrics ||
                             loaded.config->state_dir != config_->state_dir;
  if (needs_restart) spdlog::warn("reload: new sockets and folders need a restart");
  config_ = std::move(loaded.config);
  change_log(config_->log_level, "");
  configure();
  loop_.tell(policy::Reconfigured{settings()});
  plan_wakeups();
  check_runner_.start(make_checks());
  spdlog::info("reloaded {}", options_.config_file);
  notify_ready(loop_.view().reason);
}

Task<void> Daemon::say_goodbye() {
  spdlog::info("{}: whatever the proxy was asked for is given back", ended_by_);
  notify_stopping("gives back what it holds");
  control_.stop_accepting();
  loop_.tell(policy::ShutdownWanted());
  Timer timer(executor_);
  const Clock::time_point latest = Clock::now() + kEndPatience;
  while (!loop_.is_quiet() && Clock::now() < latest && !is_impatient_) {
    timer.expires_after(10ms);
    co_await timer.async_wait(use_task);
  }
}

Task<void> Daemon::leave() {
  loop_.stop();
  check_runner_.stop();
  tasks_.cancel(asio::cancellation_type::terminal);
  last_tasks_.cancel(asio::cancellation_type::terminal);
  co_await tasks_.join();
  co_await last_tasks_.join();
  co_await gpu_.close();
  pool_.clear();
  life_.stop();
}

int run_daemon(const DaemonOptions& options) {
  LifeSignals::keep_for_watch();
  LoadedConfig loaded = load_config(options.config_file);
  tell_problems(loaded.problems);
  if (!loaded.config) {
    notify_status("cannot start: " + first_error(loaded.problems));
    return 2;
  }
  asio::io_context context(1);
  set_up_log(context.get_executor(), LogOptions{loaded.config->log_level, "", true}, {});
  StateDir state(loaded.config->state_dir);
  if (const Result<void> opened = state.open(); !opened) {
    const std::string why = opened.error().message() + ": see state_dir";
    spdlog::error("{}", why);
    notify_status("cannot start: " + why);
    close_log();
    return 1;
  }
  Result<policy::Memory> memory = state.load();
  if (!memory) {
    spdlog::error("{}: it is kept as state.json.broken, and forgotten", memory.error().message());
    memory = policy::Memory();
  }
  int status = 0;
  {
    Daemon daemon(context, loaded.config, options, state, std::move(*memory));
    TaskGroup all(context.get_executor(), [](const std::string& escaped) {
      // Nobody is left to end what runs. What was asked of the proxy ends with our connection.
      spdlog::critical("{}", escaped);
      close_log();
      std::_Exit(1);
    });
    all.spawn(daemon.run());
    context.run();
    status = daemon.exit_status();
  }
  close_log();
  return status;
}

}  // namespace rouse::suspendd
