#include "proxy/app.hpp"

#include "base/http_server.hpp"
#include "base/log.hpp"
#include "base/sd_notify.hpp"
#include "base/spawn.hpp"
#include "base/use_task.hpp"
#include "proxy/check/finding_look.hpp"
#include "proxy/check/report.hpp"
#include "proxy/engine/registry.hpp"
#include "proxy/event_stream.hpp"
#include "proxy/exposure.hpp"
#include "proxy/listener_tls.hpp"
#include "proxy/power/engine_check.hpp"
#include "proxy/power/power_socket.hpp"
#include "proxy/proxy.hpp"
#include "proxy/session.hpp"

#include <boost/asio/signal_set.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <utility>

namespace rouse {

namespace {

using namespace std::chrono_literals;

constexpr auto kOrphanGrace = 3s;
constexpr auto kWatchPause = 2s;
constexpr auto kAllFilesPatience = 10s;
constexpr auto kLoopPause = 500ms;  // often enough to see a stall, rare enough for an idle machine

/// Go's names for layouts, as the peer's configuration has them, as spdlog patterns.
std::string time_pattern(const std::string& name) {
  static const std::map<std::string, std::string, std::less<>> kPatterns{
      {"ansic", "%a %b %e %H:%M:%S %Y"},
      {"unixdate", "%a %b %e %H:%M:%S %Z %Y"},
      {"rubydate", "%a %b %d %H:%M:%S %z %Y"},
      {"rfc822", "%d %b %y %H:%M %Z"},
      {"rfc822z", "%d %b %y %H:%M %z"},
      {"rfc850", "%A, %d-%b-%y %H:%M:%S %Z"},
      {"rfc1123", "%a, %d %b %Y %H:%M:%S %Z"},
      {"rfc1123z", "%a, %d %b %Y %H:%M:%S %z"},
      {"rfc3339", "%Y-%m-%dT%H:%M:%S%z"},
      {"rfc3339nano", "%Y-%m-%dT%H:%M:%S.%F%z"},
      {"kitchen", "%I:%M%p"},
      {"stamp", "%b %e %H:%M:%S"},
      {"stampmilli", "%b %e %H:%M:%S.%e"},
      {"stampmicro", "%b %e %H:%M:%S.%f"},
      {"stampnano", "%b %e %H:%M:%S.%F"}};
  const auto it = kPatterns.find(name);
  return it == kPatterns.end() ? std::string() : it->second;
}

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
        pool_(context.get_executor(), limits(), deadlines_),
        registry_(options.state_dir),
        dispatcher_(config_, engines_, pool_, registry_),
        keys_(config_),
        names_(config_),
        recorder_(context.get_executor(), *config_),
        peers_(config_, engines_, pool_, deadlines_, recorder_.metrics.peers(), options.state_dir),
        machine_(engines_, {config_->performance_disabled, config_->performance_every}),
        power_(engines_, dispatcher_, recorder_),
        findings_(engines_, kAllFilesPatience),
        proxy_{config_,
               dispatcher_,
               keys_,
               names_,
               peers_,
               recorder_,
               machine_,
               power_,
               pool_,
               deadlines_,
               sessions_,
               logs_,
               [this] { return reload("the API"); }},
        tls_(options.tls_cert_file, options.tls_key_file),
        server_(
            sessions_,
            [this](std::unique_ptr<HttpStream> client, std::string remote) {
              return serve_client(std::move(client), std::move(remote), proxy_);
            },
            limits(), deadlines_, config_->limits.connections_max),
        power_socket_(sessions_, power_, deadlines_, power_config()),
        signals_(context.get_executor()) {}

  /// From the first signal handler to the last engine gone.
  Task<void> run() {
    boost::system::error_code ignored;
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) signals_.add(signal, ignored);
    follow_logs();
    publish_changes(proxy_);
    peers_.on_change(
        [this] { recorder_.events.publish("modelStatus", model_status_json(proxy_)); });
    dispatcher_.on_change([this](const EngineChange& change) { engine_changed(change); });
    const auto orphans = co_await registry_.sweep_orphans(kOrphanGrace);
    for (const EngineRegistry::Orphan& orphan : orphans) {
      spdlog::warn("ended pid {}, an engine of {} that an earlier proxy left behind", orphan.pid,
                   orphan.model);
    }
    if (!listen()) co_return;
    power_.guard(server_);
    power_.on_wake([this](const std::vector<std::string>& before) { woke_up(before); });
    notify_ready(models_headline(*config_));
    tell_findings();
    engines_.spawn(feed_watchdog(engines_.executor()));
    for (const std::string& model : config_->preload) {
      dispatcher_.load(model, "hooks.on_startup preloads it");
    }

    if (options_.watch_config) engines_.spawn(watch_config());
    engines_.spawn(watch_loop());
    engines_.spawn(power_.watch());
    const int signal = co_await signal_to_end();
    spdlog::info("signal {}: no new connections; running requests may end, then the engines stop",
                 signal);
    notify_stopping("no new connections; running requests may end");
    server_.stop_accepting();
    power_socket_.stop_accepting();
    signals_.async_wait([this](const boost::system::error_code& failed, int) {
      if (failed) return;
      spdlog::warn("second signal: stopping at once");
      dispatcher_.shut_down_now();
      peers_.shut_down_now();
    });
    sessions_.cancel(asio::cancellation_type::total);
    peers_.stop();
    co_await dispatcher_.shut_down();
    co_await peers_.shut_down();
    sessions_.cancel(asio::cancellation_type::terminal);
    co_await sessions_.join();
    engines_.cancel(asio::cancellation_type::terminal);
    co_await engines_.join();
    pool_.clear();
    signals_.cancel();
    spdlog::info("all engines are gone; bye");
  }

  [[nodiscard]] int exit_status() const { return exit_status_; }
  [[nodiscard]] Logs& logs() { return logs_; }

 private:
  /// Reloads at each SIGHUP; returns the first other signal.
  Task<int> signal_to_end() {
    for (;;) {
      const auto [error, signal] = co_await signals_.async_wait(use_task);
      if (signal != SIGHUP) co_return signal;
      reload("SIGHUP");
    }
  }

  /// Polls, since that sees links that are swapped and files that are mounted over, too.
  Task<void> watch_config() {
    SteadyTimer timer(engines_.executor());
    std::string seen = fingerprint(options_.sources);
    while (!dispatcher_.is_shutting_down()) {
      timer.expires_after(kWatchPause);
      const auto [error] = co_await timer.async_wait(use_task);
      if (error) co_return;
      std::string now = fingerprint(options_.sources);
      // A file that is being replaced is missing for a moment.
      if (now.empty() || now == seen) continue;
      seen = std::move(now);
      reload("a change of a file");
    }
  }

  /// Takes the configuration anew. One with errors changes nothing.
  Reloaded reload(std::string_view asked_by) {
    notify_reloading();
    Reloaded outcome = take_config(asked_by);
    notify_ready(outcome.ok ? models_headline(*config_)
                            : "goes on with the configuration from before: the new one has errors");
    return outcome;
  }

  Reloaded take_config(std::string_view asked_by) {
    ConfigSources sources = options_.sources;
    for (const auto& [id, model] : config_->models) {
      if (model.port) sources.ports.emplace(id, *model.port);
    }
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
    outcome.ok = true;
    loaded_ = loaded;
    config_ = loaded->config;
    proxy_.config = config_;
    keys_.adopt(config_);
    names_.adopt(config_);
    recorder_.adopt(*config_);
    peers_.adopt(config_);
    machine_.adopt(config_->performance_disabled, config_->performance_every);
    recorder_.metrics.reloaded("ok");
    recorder_.events.publish("modelStatus", model_status_json(proxy_));
    server_.set_limits(limits(), config_->limits.connections_max);
    outcome.replaced = dispatcher_.adopt(config_);
    follow_logs();
    reload_tls();
    change_log(config_->log_level, time_pattern(config_->log_time_format));
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
    place.tells_exposure = false;  // that is said at more length
    findings_.look(loaded_, std::move(place), [](std::vector<Finding> findings) {
      for (const Finding& each : findings) spdlog::warn("{}", each.str());
    });
  }

  /// Reads the certificate and its key again; without a good pair the one in use goes on.
  void reload_tls() { tls_.reload(*config_); }

  static void report(const std::string& escaped) { spdlog::error("a task failed: {}", escaped); }

  [[nodiscard]] HttpLimits limits() const {
    HttpLimits limits;
    limits.head_max = config_->limits.head_max;
    limits.body_max = config_->limits.body_max;
    limits.head_timeout = config_->limits.head_timeout;
    return limits;
  }

  bool listen() {
    const std::size_t colon = options_.listen.rfind(':');
    std::string host = options_.listen.substr(0, colon == std::string::npos ? 0 : colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    const std::string text = options_.listen.substr(colon == std::string::npos ? 0 : colon + 1);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size()) {
      spdlog::error("cannot listen on \"{}\": expected HOST:PORT", options_.listen);
      exit_status_ = 1;
      return false;
    }
    if (!tls_.start(*config_)) {
      exit_status_ = 1;
      return false;
    }
    server_.on_bad_handshake([](const std::string& remote, const Error& failed) {
      spdlog::debug("{}: {}", remote, failed.message());
    });
    if (!power_socket_.listen()) {
      exit_status_ = 1;
      return false;
    }
    const Result<std::string> address = server_.listen(host, port, tls_.context());
    if (!address) {
      spdlog::error("cannot listen on {}: {}", options_.listen, address.error().message());
      exit_status_ = 1;
      return false;
    }
    spdlog::info("rouse {} listening on {}://{} with {}", ROUSE_VERSION, tls_.scheme(), *address,
                 models_headline(*config_));
    if (const auto warning = exposure_warning(*config_, host)) spdlog::warn("{}", *warning);
    return true;
  }

  [[nodiscard]] PowerConfig power_config() const {
    PowerConfig config = config_->power;
    if (!options_.power_socket.empty()) config.socket = options_.power_socket;
    return config;
  }

  /// The machine has slept. @p before: the models that were unloaded for it.
  void woke_up(const std::vector<std::string>& before) {
    check_engines(proxy_, engines_);
    for (const std::string& model : config_->power.load) {
      dispatcher_.load(model, "power.onWake loads it after each sleep");
    }
    if (!config_->power.load_last) return;
    for (const std::string& model : before) {
      if (config_->find_exact(model) == nullptr) continue;
      dispatcher_.load(model, "it was loaded before the sleep (power.onWake)");
    }
  }

  /// An engine's bytes also go to the common ring, and to our own output if so configured.
  void follow_logs() {
    std::erase_if(follows_, [this](const auto& each) {
      return dispatcher_.engine_log(each.first) == nullptr;
    });
    for (const auto& [id, model] : config_->models) {
      if (follows_.contains(id)) continue;
      follows_.emplace(id, dispatcher_.engine_log(id)->follow(
                               [this](std::string_view bytes) { engine_wrote(bytes); }));
    }
  }

  void engine_changed(const EngineChange& change) {
    recorder_.metrics.engine_changed(change);
    power_.engine_changed();
    if (recorder_.events.has_listeners()) {
      recorder_.events.publish("modelStatus", model_status_json(proxy_));
    }
  }

  /// A timer that is late tells that the loop was busy, or starved.
  Task<void> watch_loop() {
    SteadyTimer timer(engines_.executor());
    // A cancellation that comes while a tick is on its way is seen here, not by the timer.
    while (!dispatcher_.is_shutting_down()) {
      timer.expires_after(kLoopPause);
      const auto [error] = co_await timer.async_wait(use_task);
      if (error) co_return;
      recorder_.metrics.loop_lagged(std::chrono::steady_clock::now() - timer.expiry());
    }
  }

  void engine_wrote(std::string_view bytes) {
    logs_.upstream.append(bytes);
    const LogToStdout where = config_->log_to_stdout;
    if (where != LogToStdout::Upstream && where != LogToStdout::Both) return;
    logs_.mux.append(bytes);
    std::fwrite(bytes.data(), 1, bytes.size(), stdout);
    std::fflush(stdout);
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
  Keys keys_;
  Names names_;
  Recorder recorder_;
  Peers peers_;
  Machine machine_;
  Power power_;
  FindingLook findings_;
  Proxy proxy_;
  ListenerTls tls_;
  HttpServer server_;
  PowerSocket power_socket_;
  asio::basic_signal_set<Executor> signals_;
  std::map<std::string, LogRing::Follow> follows_;  // by model
  int exit_status_ = 0;
};

void print_problems(const LoadedConfig& loaded) {
  for (const Problem& problem : loaded.problems) {
    std::fprintf(stderr, "%s\n", problem.str().c_str());
  }
}

}  // namespace

int serve(const ServeOptions& options) {
  const auto loaded = std::make_shared<const LoadedConfig>(load_config(options.sources));
  print_problems(*loaded);
  if (!loaded->config) return 2;

  asio::io_context context(1);
  std::signal(SIGPIPE, SIG_IGN);
  become_subreaper();
  App app(context, loaded, options);
  LogOptions log;
  log.level = loaded->config->log_level;
  log.time_format = time_pattern(loaded->config->log_time_format);
  const bool to_mux = loaded->config->log_to_stdout == LogToStdout::Proxy ||
                      loaded->config->log_to_stdout == LogToStdout::Both;
  log.to_stderr = to_mux;
  set_up_log(context.get_executor(), log, [&app, to_mux](std::string_view line) {
    app.logs().proxy.append(line);
    if (to_mux) app.logs().mux.append(line);
  });
  {
    TaskGroup main(context.get_executor(),
                   [](const std::string& escaped) { spdlog::critical("{}", escaped); });
    main.spawn(app.run());
    context.run();
  }
  close_log();
  return app.exit_status();
}

}  // namespace rouse
