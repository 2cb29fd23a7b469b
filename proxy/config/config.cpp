#include "proxy/config/config.hpp"

#include "proxy/config/reader.hpp"
#include "proxy/config/schema.hpp"
#include "proxy/config/text_faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <re2/re2.h>
#include <set>
#include <system_error>

namespace rouse {

namespace {

namespace fs = std::filesystem;

constexpr const char* kAssetPaths = R"(.*\.(js|json|css|png|gif|jpg|jpeg|ico|txt)$)";

std::string lowered_and_trimmed(std::string text) {
  std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

const std::vector<std::string>& time_formats() {
  static const std::vector<std::string> names{"",         "ansic",      "unixdate",    "rubydate",
                                              "rfc822",   "rfc822z",    "rfc850",      "rfc1123",
                                              "rfc1123z", "rfc3339",    "rfc3339nano", "kitchen",
                                              "stamp",    "stampmilli", "stampmicro",  "stampnano"};
  return names;
}

void read_log(const Section& top, Config& config) {
  const std::string level = lowered_and_trimmed(top.text("logLevel", "info"));
  const bool known = level == "debug" || level == "info" || level == "warn" || level == "error";
  if (!known) top.warn("logLevel", fmt::format("\"{}\" is no level, info is used", level));
  config.log_level = known ? level : "info";
  config.log_time_format = lowered_and_trimmed(top.text("logTimeFormat"));
  const auto& formats = time_formats();
  if (std::find(formats.begin(), formats.end(), config.log_time_format) == formats.end()) {
    const std::string meant = did_you_mean(config.log_time_format, formats);
    top.warn("logTimeFormat",
             fmt::format("\"{}\" is no format, HH:MM:SS.mmm is used{}", config.log_time_format,
                         meant.empty() ? "" : "; did you mean \"" + meant + "\"?"));
  }
  const std::string out = top.text("logToStdout", "proxy");
  config.log_to_stdout = out == "upstream" ? LogToStdout::Upstream
                         : out == "both"   ? LogToStdout::Both
                         : out == "none"   ? LogToStdout::None
                                           : LogToStdout::Proxy;
}

/// Header names: without blanks around them, each once, whatever its case.
std::vector<std::string> header_names(const std::vector<std::string>& texts) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const std::string& text : texts) {
    std::string name = trimmed(text);
    if (!name.empty() && seen.insert(lowered_and_trimmed(name)).second) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

void read_ignore_paths(const Section& top, Config& config) {
  const Section upstream = top.section("upstream");
  for (const ListItem& item : upstream.items("ignorePaths")) {
    auto pattern = std::make_shared<const re2::RE2>(item.text, re2::RE2::Quiet);
    if (!pattern->ok()) {
      upstream.fault_at(
          item, fmt::format("\"{}\" is no regular expression: {}", item.text, pattern->error()));
    }
    config.upstream_ignore_paths.push_back(std::move(pattern));
  }
  if (config.upstream_ignore_paths.empty()) {
    config.upstream_ignore_paths = {std::make_shared<const re2::RE2>(kAssetPaths)};
  }
}

void read_observation(const Section& top, Config& config) {
  config.metrics_max_in_memory = top.number("metricsMaxInMemory", 1000);
  if (config.metrics_max_in_memory <= 0) config.metrics_max_in_memory = 1000;
  config.capture_buffer_mb = top.number("captureBuffer", 0);
  if (top.is_given("store")) {
    const Section store = top.section("store");
    config.store_rows_max = store.number("maxRows", static_cast<int>(config.store_rows_max));
    config.store_age_max = store.duration("maxAge", config.store_age_max);
    config.store_path = store.text("path");
    std::error_code ignored;
    if (config.store_path->empty()) {
      top.section("store").fault("path", "is missing: the file to keep the history in");
    } else if (fs::is_directory(*config.store_path, ignored)) {
      top.section("store").fault(
          "path", fmt::format("\"{}\" is a folder, a file is wanted", *config.store_path));
    }
  }
  const Section performance = top.section("performance");
  config.performance_disabled = performance.truth("disabled", false);
  const auto every = performance.duration("every", std::chrono::seconds(5));
  if (every < std::chrono::seconds(5) && every.count() != 0) {
    performance.fault("every",
                      fmt::format("every must be at least 5s, got {}", performance.text("every")));
  } else if (every.count() != 0) {
    config.performance_every = std::chrono::duration_cast<std::chrono::seconds>(every);
  }
  config.metrics_of_llama_swap = top.section("metrics").text("compat") == "llama-swap";
  const Section activity = top.section("ui").section("activity");
  if (activity.is_given("session_id")) {
    config.activity_session_id = header_names(activity.texts("session_id"));
  }
  read_ignore_paths(top, config);
}

void read_aux(const Section& top, Config& config) {
  const Section section = top.section("aux");
  AuxConfig& aux = config.aux;
  aux.enabled = section.truth("enabled", aux.enabled);
  aux.max_tokens = section.number("maxTokens", static_cast<int>(aux.max_tokens));
  aux.body_max = section.size("bodyMax", aux.body_max);
  aux.patience = section.duration("patience", aux.patience);
  aux.refuses_unloaded = section.text("ifNotLoaded", "wait") == "refuse";
  for (const ListItem& item : section.items("answerBy")) {
    if (const ModelConfig* model = config.find_exact(item.text)) {
      aux.answer_by.push_back(model->id);
    } else {
      section.fault_at(item, fmt::format("no model is called \"{}\"", item.text));
    }
  }
  for (const ListItem& item : section.items("rules")) {
    auto rule = std::make_shared<const re2::RE2>(item.text, re2::RE2::Quiet);
    if (!rule->ok()) {
      section.fault_at(
          item, fmt::format("\"{}\" is no regular expression: {}", item.text, rule->error()));
    }
    aux.rules.push_back(std::move(rule));
  }
}

void read_limits(const Section& top, Config& config) {
  const Section limits = top.section("limits");
  config.limits.body_max = limits.size("bodyMax", config.limits.body_max);
  config.limits.body_rate_min = limits.size("bodyRateMin", config.limits.body_rate_min);
  const std::uint64_t held = std::max(config.limits.held_max, config.limits.body_max);
  config.limits.held_max = limits.size("heldMax", held);
  if (config.limits.held_max < config.limits.body_max) {
    limits.fault("heldMax", "less than bodyMax: a body may have to be held whole");
  }
  config.limits.head_max = limits.size("headMax", config.limits.head_max);
  config.limits.connections_max = static_cast<std::size_t>(limits.number("connectionsMax", 20'000));
  config.limits.connections_per_address =
      static_cast<std::size_t>(limits.number("connectionsPerAddress", 0));
  config.limits.head_timeout = limits.duration("headTimeout", config.limits.head_timeout);
  config.limits.body_timeout = limits.duration("bodyTimeout", config.limits.body_timeout);
  config.limits.tunnel_timeout = limits.duration("tunnelTimeout", config.limits.tunnel_timeout);
  config.limits.idle_timeout = limits.duration("idleTimeout", config.limits.idle_timeout);
  if (config.limits.head_max < 1024) limits.fault("headMax", "less than 1KiB fits no request");
  if (config.limits.head_max > 64 * 1024) limits.fault("headMax", "more than 64KiB is not parsed");
}

void read_ours(const Section& top, Config& config) {
  const Section schedule = top.section("schedule");
  core::SchedulePolicy& policy = config.schedule;
  policy.max_wait = schedule.duration("maxWait", policy.max_wait);
  const bool has_turns = schedule.text("maxWait", "auto") == "auto";
  policy.swap_budget = schedule.real("swapBudget", has_turns ? policy.swap_budget : 0);
  if (policy.swap_budget >= 1) {
    schedule.fault("swapBudget", "is a part of the time, as 0.25: all of it leaves none to serve");
  }
  policy.min_residency = schedule.duration("minResidency", policy.min_residency);
  policy.linger = schedule.duration("linger", policy.linger);
  policy.gather = schedule.duration("gather", policy.gather);
  policy.abandon_grace = schedule.duration("abandonGrace", policy.abandon_grace);
  policy.give_up = schedule.duration("giveUp", policy.give_up);
  policy.queue_max = static_cast<std::size_t>(schedule.number("queueMax", 10'000));
  policy.load_failures_max = schedule.number("loadFailuresMax", policy.load_failures_max);
  policy.backoff_first = schedule.duration("backoffFirst", policy.backoff_first);
  policy.backoff_max = schedule.duration("backoffMax", policy.backoff_max);
  policy.shutdown_drain = schedule.duration("shutdownDrain", policy.shutdown_drain);
  const Section waiting = top.section("waiting");
  config.waiting.hold = waiting.duration("hold", config.waiting.hold);
  config.waiting.keep_alive = waiting.duration("keepAlive", config.waiting.keep_alive);
  if (config.waiting.keep_alive < std::chrono::milliseconds(10)) {
    waiting.fault("keepAlive", "a comment more often than every 10ms is a flood");
  }
  read_aux(top, config);
  read_limits(top, config);
}

void read_tls(const Section& top, Config& config) {
  const Section tls = top.section("tls");
  config.tls.cert = trimmed(tls.text("cert"));
  config.tls.key = trimmed(tls.text("key"));
  if (tls.text("minVersion", "1.2") == "1.3") config.tls.least = TlsVersion::Tls13;
  if (config.tls.cert.empty() && !config.tls.key.empty()) {
    tls.fault("cert", "is missing: a key needs its certificate");
  }
  if (config.tls.key.empty() && !config.tls.cert.empty()) {
    tls.fault("key", "is missing: a certificate needs its key");
  }
}

void read_power(const Section& top, Config& config) {
  const Section power = top.section("power");
  config.power.socket = trimmed(power.text("socket"));
  if (!config.power.socket.empty() && !config.power.socket.starts_with('/')) {
    power.fault("socket", "expected an absolute path, such as /run/rouse/power.sock");
  }
  config.power.users = power.texts("users");
  config.power.groups = power.texts("groups");
  config.power.has_guests = !config.power.users.empty() || !config.power.groups.empty();
  for (const ListItem& item : power.items("onWake")) {
    const ModelConfig* const model = config.find_exact(trimmed(item.text));
    if (model != nullptr) {
      config.power.load.push_back(model->id);
    } else if (item.text == "last") {
      config.power.load_last = true;
    } else {
      power.fault_at(item, no_model(item.text, config));
    }
  }
}

void read_hooks(const Section& top, Config& config) {
  const Section startup = top.section("hooks").section("on_startup");
  for (const ListItem& item : startup.items("preload")) {
    const std::string name = trimmed(item.text);
    const ModelConfig* model = config.find_exact(name);
    if (model == nullptr) {
      startup.warn_at(item.place, item.key,
                      fmt::format("no model here is called \"{}\"; left out", name));
    } else {
      config.preload.push_back(model->id);
    }
  }
  for (const auto& [id, model] : config.models) {
    const bool is_there =
        std::find(config.preload.begin(), config.preload.end(), id) != config.preload.end();
    if (model.baseline && !is_there) config.preload.push_back(id);
  }
  config.startup_profile = trimmed(startup.text("profile"));
  if (config.startup_profile.empty() || config.profiles.contains(config.startup_profile)) return;
  std::vector<std::string> names;
  for (const auto& [name, profile] : config.profiles) names.push_back(name);
  const std::string meant = did_you_mean(config.startup_profile, names);
  startup.fault("profile", fmt::format("no profile is called \"{}\"{}", config.startup_profile,
                                       meant.empty() ? "" : "; did you mean \"" + meant + "\"?"));
}

}  // namespace

std::shared_ptr<Config> read_config(const YamlNode& root, const std::map<std::string, int>& ports,
                                    std::vector<Problem>& problems) {
  auto config = std::make_shared<Config>();
  const Section top(root.is_map() ? &root : nullptr, config_table(), problems);
  config->health_check_timeout =
      std::chrono::seconds(std::max(15, top.number("healthCheckTimeout", 120)));
  config->start_port = top.number("startPort", 5800);
  config->identity = top.text("identity", config->identity);
  config->concurrency_limit = top.number("globalConcurrencyLimit", 0);
  config->include_aliases_in_list = top.truth("includeAliasesInList", false);
  read_log(top, *config);
  read_observation(top, *config);
  read_models(top, *config);
  for (const auto& [id, port] : ports) config->models.at(id).port = port;
  read_ours(top, *config);
  read_tls(top, *config);
  read_routing(top, *config);
  read_remote(top, *config);
  read_hooks(top, *config);
  read_power(top, *config);
  read_keys(top, *config);
  read_cors(top, *config);
  read_hosts(top, *config);
  return config;
}

bool AliasPattern::matches(std::string_view name) const {
  // Each part between stars is taken at its first place, the last one at the end.
  std::string_view rest = pattern;
  bool at_start = true;
  for (;;) {
    const std::size_t star = rest.find('*');
    const std::string_view part = rest.substr(0, star);
    if (star == std::string_view::npos) {
      return at_start ? name == part : name.ends_with(part);
    }
    const std::size_t at = at_start ? (name.starts_with(part) ? 0 : name.npos) : name.find(part);
    if (at == name.npos) return false;
    name.remove_prefix(at + part.size());
    rest.remove_prefix(star + 1);
    at_start = false;
  }
}

const ModelConfig* Config::find_exact(std::string_view name) const {
  auto model = models.find(name);
  if (model != models.end()) return &model->second;
  const auto alias = aliases.find(name);
  if (alias == aliases.end()) return nullptr;
  model = models.find(alias->second);
  return model == models.end() ? nullptr : &model->second;
}

const ModelConfig* Config::find_model(std::string_view name) const {
  if (const ModelConfig* exact = find_exact(name)) return exact;
  const auto pattern = std::find_if(alias_patterns.begin(), alias_patterns.end(),
                                    [name](const auto& each) { return each.matches(name); });
  if (pattern == alias_patterns.end()) return nullptr;
  const auto model = models.find(pattern->model);
  return model == models.end() ? nullptr : &model->second;
}

std::string_view Config::name_at_peers(std::string_view name) const {
  if (peer_models.empty() || peer_models.contains(name)) return name;
  std::string_view target;
  if (const auto alias = aliases.find(name); alias != aliases.end()) target = alias->second;
  for (const AliasPattern& alias : alias_patterns) {
    if (target.empty() && alias.matches(name)) target = alias.model;
  }
  return peer_models.contains(target) ? target : name;
}

}  // namespace rouse
