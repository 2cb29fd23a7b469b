#include "proxy/app.hpp"

#include "base/async/use_task.hpp"
#include "base/config/tell_problems.hpp"
#include "base/http/server.hpp"
#include "base/process/spawn.hpp"
#include "base/service/life_signals.hpp"
#include "base/service/log.hpp"
#include "base/service/sd_notify.hpp"
#include "proxy/access/listener_tls.hpp"
#include "proxy/access/open_listener.hpp"
#include "proxy/api/event_stream.hpp"
#include "proxy/check/finding_look.hpp"
#include "proxy/check/report.hpp"
#include "proxy/config/file_watch.hpp"
#include "proxy/config/http_limits.hpp"
#include "proxy/config/reload_rule.hpp"
#include "proxy/engine/registry.hpp"
#include "proxy/logs/log_options.hpp"
#include "proxy/power/engine_check.hpp"
#include "proxy/power/power_socket.hpp"
#include "proxy/proxy.hpp"
#include "proxy/request/beyond.hpp"
#include "proxy/request/session.hpp"
#include "proxy/telemetry/engine_output.hpp"
#include "proxy/telemetry/loop_lag.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <utility>

namespace rouse {

namespace {

using namespace std::chrono_literals;

/// Exit statuses. What is wrong as it is written does not get better by another try: the unit does
/// not restart after it.
constexpr int kCannot = 1;
constexpr int kWrong = 2;
constexpr auto kOrphanGrace = 3s;
constexpr auto kAllFilesPatience = 10s;

/// Everything that a running proxy owns, in order of construction; destroyed the other way round.
class App {
 public:
  App(asio::io_context& context, std::shared_ptr<const LoadedConfig> loaded,
      const ServeOptions& options)
      : options_(options),
        loaded_(std::move(loaded)),
        config_(loaded_->config),
        deadlines_(context.get_executor()),
        engines_(context.get_executor(), report),
        sessions_(context.get_executor(), report),
        pool_(context.get_executor(), http_limits(*config_), deadlines_),
        registry_(options.state_dir),
        dispatcher_(config_, engines_, pool_, registry_),
        capabilities_(config_, engines_, pool_, options.state_dir),
        engine_output_(dispatcher_, logs_),
        keys_(config_),
        names_(config_),
        recorder_(context.get_executor(), *config_),
        peers_(config_, engines_, pool_, deadlines_, recorder_.metrics.peers(), options.state_dir),
        machine_(engines_, {config_->performance_disabled, config_->performance_every}),
        power_(engines_, dispatcher_, recorder_),
        findings_(engines_, kAllFilesPatience),
        proxy_{config_,       dispatcher_,
               capabilities_, keys_,
               names_,        peers_,
               recorder_,     machine_,
               power_,        pool_,
               deadlines_,    sessions_,
               logs_,         [this] { return reload("the API"); }},
        tls_(options.tls_cert_file, options.tls_key_file),
        server_(
            sessions_,
            [this](std::unique_ptr<HttpStream> client, std::string remote) {
              return serve_client(std::move(client), std::move(remote), proxy_);
            },
            http_limits(*config_), deadlines_, config_->limits.connections_max),
        power_socket_(sessions_, power_, deadlines_, power_config()),
        life_(context.get_executor()),
        ending_bell_(context.get_executor(), SteadyTimer::time_point::max()) {}

  /// From the port that is ours to the last engine gone.
  Task<void> run() {
    const bool is_up = co_await start();
    while (is_up && !is_ending_) co_await ending_bell_.async_wait(use_task);
    if (is_up) {
      notify_stopping("no new connections; running requests may end");
      spdlog::info("{}: no new connections; running requests may end, then the engines stop",
                   ended_by_);
    } else if (is_ending_) {
      spdlog::info("{}: ends before it has begun to serve", ended_by_);
    }
    co_await leave();
    if (is_up) spdlog::info("all engines are gone; bye");
  }

  [[nodiscard]] int exit_status() const { return exit_status_; }
  [[nodiscard]] Logs& logs() { return logs_; }

 private:
  /// False: it cannot serve, or was told to end meanwhile.
  Task<bool> start() {
    // Looking up a name may block: signals end us as they do any program until that is done.
    std::optional<ListeningSocket> socket = open_port();
    if (!socket) co_return false;
    life_.watch(
        [this](LifeSignals::Request request, const std::string& what) { heard(request, what); });
    engine_output_.follow(config_);
    capabilities_.recall();
    publish_changes(proxy_);
    dispatcher_.on_change([this](const EngineChange& change) { engine_changed(change); });
    const auto orphans = co_await registry_.sweep_orphans(kOrphanGrace);
    for (const EngineRegistry::Orphan& orphan : orphans) {
      spdlog::warn("ended pid {}, an engine of {} that an earlier proxy left behind", orphan.pid,
                   orphan.model);
    }
    if (is_ending_ || !serve_on(std::move(*socket))) co_return false;
    power_.guard(server_);
    power_.on_wake([this](const std::vector<std::string>& before) {
      check_engines(config_, dispatcher_, pool_, engines_);
      load_after_sleep(*config_, dispatcher_, before);
    });
    notify_ready(models_headline(*config_));
    is_up_ = true;
    tell_findings();
    engines_.spawn(feed_watchdog(engines_.executor()));
    load_at_start(*config_, dispatcher_);
    if (options_.watch_config)
      engines_.spawn(watch_files(engines_.executor(), options_.sources, [this] {
        if (!is_ending_) reload("a change of a file");
      }));
    engines_.spawn(watch_loop_lag(engines_.executor(), recorder_.metrics));
    engines_.spawn(power_.watch());
    if (reload_waits_) reload("SIGHUP");
    co_return true;
  }

  /// Whatever was begun ends, also after a start that failed.
  Task<void> leave() {
    server_.stop_accepting();
    power_socket_.stop_accepting();
    sessions_.cancel(asio::cancellation_type::total);
    peers_.stop();
    co_await dispatcher_.shut_down();
    co_await peers_.shut_down();
    sessions_.cancel(asio::cancellation_type::terminal);
    co_await sessions_.join();
    engines_.cancel(asio::cancellation_type::terminal);
    co_await engines_.join();
    pool_.clear();
    life_.stop();
  }

  void heard(LifeSignals::Request request, const std::string& what) {
    if (request == LifeSignals::Request::Reload) {
      if (is_up_ && !is_ending_) reload(what);
      reload_waits_ = !is_up_;
      return;
    }
    if (!std::exchange(is_ending_, true)) {
      ended_by_ = what;
      registry_.hurry();
      ending_bell_.cancel();
      return;
    }
    if (request == LifeSignals::Request::Close) return;
    spdlog::warn("{} while it ends: running requests are cut, the engines stop at once", what);
    dispatcher_.shut_down_now();
    peers_.shut_down_now();
  }

  /// Takes the configuration anew. One with errors changes nothing.
  Reloaded reload(std::string_view asked_by) {
    notify_reloading();
    Reloaded outcome = take_config(asked_by);
    const std::string models = models_headline(*config_);
    notify_ready(outcome.ok ? models
                            : models + "; a reload was refused: " + outcome.problems.front());
    return outcome;
  }

  Reloaded take_config(std::string_view asked_by) {
    const ConfigSources sources = keeping_ports(options_.sources, *config_);
    const auto loaded = std::make_shared<const LoadedConfig>(load_config(sources));
    Reloaded outcome;
    for (const Problem& problem : loaded->problems) {
      spdlog::warn("{}", problem.str());
      outcome.problems.push_back(problem.str());
    }
    if (!loaded->config) {
      spdlog::error(
          "reload after {}: the configuration has errors and was not taken; the one from "
          "before goes on",
          asked_by);
      recorder_.metrics.reloaded("invalid");
      return outcome;
    }
    if (std::string fault = reload_fault(*config_, *loaded); !fault.empty()) {
      spdlog::error("reload after {}: not taken, the configuration from before goes on: {}",
                    asked_by, fault);
      outcome.problems.push_back(std::move(fault));
      recorder_.metrics.reloaded("invalid");
      return outcome;
    }
    outcome.ok = true;
    loaded_ = loaded;
    config_ = loaded->config;
    proxy_.config = config_;
    capabilities_.adopt(config_);
    proxy_.held.set_most(config_->limits.held_max);
    withhold_from_programs(config_->withheld);
    keys_.adopt(config_);
    const std::string profile = names_.active_profile();
    names_.adopt(config_);
    recorder_.adopt(*config_);
    peers_.adopt(config_);
    machine_.adopt(config_->performance_disabled, config_->performance_every);
    recorder_.metrics.reloaded("ok");
    if (names_.active_profile() != profile) publish_profile(proxy_);
    publish_models(proxy_);
    set_limits(server_, *config_);
    outcome.replaced = dispatcher_.adopt(config_);
    engine_output_.follow(config_);
    tls_.reload(*config_);  // without a good pair the one in use goes on
    const LogOptions log = log_options(*config_);
    change_log(log.level, log.time_format);
    tell_findings();
    spdlog::info("reload after {}: {}; {}", asked_by, models_headline(*config_),
                 outcome.replaced.empty() ? "all engines go on"
                                          : fmt::format("{} give way to their new configuration",
                                                        fmt::join(outcome.replaced, ", ")));
    return outcome;
  }

  /// What `rouse check` would say of this configuration, into the log.
  void tell_findings() {
    CheckedPlace place;
    place.listen = options_.listen;
    place.now = std::chrono::system_clock::now();
    place.runs = true;
    place.tells_exposure = false;  // that is said at more length
    findings_.look(loaded_, std::move(place), [](std::vector<Finding> findings) {
      for (const Finding& each : findings) spdlog::warn("{}", each.str());
    });
  }

  static void report(const std::string& escaped) { spdlog::error("a task failed: {}", escaped); }

  /// Takes the port before anything else, so that a second rouse beside one that runs ends at once.
  /// nullopt: it cannot, and has said why.
  std::optional<ListeningSocket> open_port() {
    const auto address = ListenAddress::parse(options_.listen);
    if (!address) {
      cannot_start(fmt::format("cannot listen on \"{}\": expected HOST:PORT, such as "
                               "127.0.0.1:8080, or :8080 for all addresses (--listen)",
                               options_.listen),
                   kWrong);
      return std::nullopt;
    }
    if (const Result<void> read = tls_.start(*config_); !read) {
      cannot_start("TLS: " + read.error().message());
      return std::nullopt;
    }
    Result<ListeningSocket> socket = listen_tcp(address->host, address->port);
    if (!socket) {
      cannot_start(listen_failure(*address, socket.error()) + " (--listen)");
      return std::nullopt;
    }
    listens_for_ = address->host;
    proxy_.own_names = look_up_own_names(address->host);
    return std::move(*socket);
  }

  bool serve_on(ListeningSocket socket) {
    set_limits(server_, *config_);
    beyond_.take_over(server_, proxy_);
    server_.on_bad_handshake([](const std::string& remote, const Error& failed) {
      spdlog::debug("{}: {}", remote, failed.message());
    });
    if (const Result<void> opened = power_socket_.listen(); !opened) {
      cannot_start("power: " + opened.error().message() + " (see power.socket)");
      return false;
    }
    const std::string address = server_.listen(std::move(socket), tls_.context());
    spdlog::info("rouse {} listening on {}://{} with {}", ROUSE_VERSION, tls_.scheme(), address,
                 models_headline(*config_));
    if (const auto warning = open_listener_warning(*config_, listens_for_)) {
      spdlog::warn("{}", *warning);
    }
    return true;
  }

  /// Says so to the log, to the service manager, and always to stderr.
  void cannot_start(const std::string& why, int status = kCannot) {
    exit_status_ = status;
    spdlog::error("{}", why);
    if (!log_options(*config_).to_stderr) write_stderr_line(LinePriority::Error, why);
    notify_status("cannot start: " + why);
  }

  [[nodiscard]] PowerConfig power_config() const {
    PowerConfig config = config_->power;
    if (!options_.power_socket.empty()) config.socket = options_.power_socket;
    return config;
  }

  void engine_changed(const EngineChange& change) {
    recorder_.metrics.engine_changed(change);
    power_.engine_changed();
    capabilities_.engine_changed(change);
    publish_models(proxy_);
  }

  const ServeOptions& options_;
  std::shared_ptr<const LoadedConfig> loaded_;
  std::shared_ptr<const Config> config_;  // its own
  Logs logs_;
  StreamDeadlines deadlines_;
  TaskGroup engines_;
  TaskGroup sessions_;
  HttpPool pool_;
  EngineRegistry registry_;
  Dispatcher dispatcher_;
  KnownCapabilities capabilities_;
  EngineOutput engine_output_;
  Keys keys_;
  Names names_;
  Recorder recorder_;
  Peers peers_;
  Machine machine_;
  Power power_;
  FindingLook findings_;
  Proxy proxy_;
  BeyondPlaces beyond_;
  ListenerTls tls_;
  HttpServer server_;
  PowerSocket power_socket_;
  LifeSignals life_;
  SteadyTimer ending_bell_;  // rung when is_ending_ becomes true
  std::string listens_for_;  // the host of --listen
  std::string ended_by_;     // what has told us to end
  bool is_up_ = false;
  bool is_ending_ = false;
  bool reload_waits_ = false;  // a SIGHUP came before there was anything to reload
  int exit_status_ = 0;
};

}  // namespace

int serve(const ServeOptions& options) {
  LifeSignals::keep_for_watch();
  const auto loaded = std::make_shared<const LoadedConfig>(load_config(options.sources));
  tell_problems(loaded->problems);
  if (!loaded->config) {
    notify_status("cannot start: " + first_error(loaded->problems));
    return kWrong;
  }

  asio::io_context context(1);
  std::signal(SIGPIPE, SIG_IGN);
  become_subreaper();
  withhold_from_programs(loaded->config->withheld);
  App app(context, loaded, options);
  const LogOptions log = log_options(*loaded->config);
  set_up_log(context.get_executor(), log, [&app, to_mux = log.to_stderr](std::string_view line) {
    app.logs().proxy.append(line);
    if (to_mux) app.logs().mux.append(line);
  });
  {
    TaskGroup main(context.get_executor(), [](const std::string& escaped) {
      // Nobody is left to end what runs; the kernel ends the engines with us.
      spdlog::critical("{}", escaped);
      close_log();
      std::_Exit(kCannot);
    });
    main.spawn(app.run());
    context.run();
  }
  close_log();
  return app.exit_status();
}

}  // namespace rouse
