#include "proxy/config/config.hpp"

#include "base/config/environment.hpp"
#include "base/config/shape.hpp"
#include "proxy/config/macros.hpp"
#include "proxy/config/merge.hpp"
#include "proxy/config/reader.hpp"
#include "proxy/config/schema.hpp"
#include "proxy/config/text_faults.hpp"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <re2/re2.h>
#include <set>
#include <system_error>

namespace rouse {

namespace {

namespace fs = std::filesystem;

constexpr const char* kAssetPaths = R"(.*\.(js|json|css|png|gif|jpg|jpeg|ico|txt)$)";
constexpr std::uintmax_t kFileMax = 16 * 1024 * 1024;

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

void read_ours(const Section& top, Config& config) {
  const Section schedule = top.section("schedule");
  core::SchedulePolicy& policy = config.schedule;
  policy.max_wait = schedule.duration("maxWait", policy.max_wait);
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
  const Section limits = top.section("limits");
  config.limits.body_max = limits.size("bodyMax", config.limits.body_max);
  config.limits.head_max = limits.size("headMax", config.limits.head_max);
  config.limits.connections_max = static_cast<std::size_t>(limits.number("connectionsMax", 20'000));
  config.limits.head_timeout = limits.duration("headTimeout", config.limits.head_timeout);
  config.limits.body_timeout = limits.duration("bodyTimeout", config.limits.body_timeout);
  config.limits.tunnel_timeout = limits.duration("tunnelTimeout", config.limits.tunnel_timeout);
  config.limits.idle_timeout = limits.duration("idleTimeout", config.limits.idle_timeout);
  if (config.limits.head_max < 1024) limits.fault("headMax", "less than 1KiB fits no request");
  if (config.limits.head_max > 64 * 1024) limits.fault("headMax", "more than 64KiB is not parsed");
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

void read_preload(const Section& top, Config& config) {
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
}

std::shared_ptr<const Config> read_config(const YamlNode& root,
                                          const std::map<std::string, int>& ports,
                                          std::vector<Problem>& problems) {
  auto config = std::make_shared<Config>();
  const Section top(root.is_map() ? &root : nullptr, config_table(), problems);
  config->health_check_timeout =
      std::chrono::seconds(std::max(15, top.number("healthCheckTimeout", 120)));
  config->start_port = top.number("startPort", 5800);
  config->include_aliases_in_list = top.truth("includeAliasesInList", false);
  read_log(top, *config);
  read_observation(top, *config);
  read_models(top, *config);
  for (const auto& [id, port] : ports) config->models.at(id).port = port;
  read_ours(top, *config);
  read_tls(top, *config);
  read_routing(top, *config);
  read_remote(top, *config);
  read_preload(top, *config);
  read_power(top, *config);
  read_keys(top, *config);
  read_cors(top, *config);
  return config;
}

/// Of the keys down to those of a model, a peer, and how it is woken.
void add_places(const YamlNode& node, const std::string& path, int depth,
                std::map<std::string, SourcePlace>& places) {
  constexpr int kDepthMax = 4;
  for (const YamlNode::Member& member : node.members) {
    const std::string below = path.empty() ? member.key : path + "." + member.key;
    places.emplace(below, member.value.is_scalar() ? member.value.place : member.place);
    if (depth < kDepthMax) add_places(member.value, below, depth + 1, places);
  }
}

/// From one tree, merged of all files, to values.
LoadedConfig finish(YamlNode root, const std::map<std::string, int>& kept_ports,
                    std::vector<Problem> problems) {
  LoadedConfig loaded;
  if (!root.is_map() && !root.is_null()) {
    problems.push_back({Problem::Severity::Error, root.place, "",
                        fmt::format("expected a mapping, got {}", root.kind_name())});
  } else {
    const std::map<std::string, int> ports = expand_macros(root, kept_ports, problems);
    const std::size_t known = problems.size();
    check_shape(root, config_table(), problems, loaded.unsupported);
    loaded.config = read_config(root, ports, problems);
    drop_follow_ups(root, known, problems);
    add_places(root, "", 1, loaded.places);
  }
  std::stable_sort(problems.begin(), problems.end(), [](const Problem& a, const Problem& b) {
    return std::tie(a.place.file, a.place.line, a.place.column) <
           std::tie(b.place.file, b.place.line, b.place.column);
  });
  const bool broken = std::any_of(problems.begin(), problems.end(), [](const Problem& problem) {
    return problem.severity == Problem::Severity::Error;
  });
  if (broken) loaded.config.reset();
  loaded.problems = std::move(problems);
  return loaded;
}

std::vector<fs::path> yaml_files(const std::string& dir, std::vector<Problem>& problems) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::directory_iterator entries(dir, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const fs::path extension = entries->path().extension();
    std::error_code unknown;  // of a loop of links, for one: add_file() will say what is wrong
    const bool is_folder = entries->is_directory(unknown);
    if (!is_folder && (extension == ".yaml" || extension == ".yml")) {
      files.push_back(entries->path());
    }
  }
  if (error) {
    problems.push_back(
        {Problem::Severity::Error, {dir, 0, 0}, "", "cannot be listed: " + error.message()});
  }
  std::sort(files.begin(), files.end());
  return files;
}

void add_file(const fs::path& path, bool looks_up_env, YamlNode& root,
              std::vector<Problem>& problems) {
  const auto note = [&](std::string text) {
    problems.push_back({Problem::Severity::Error, {path.string(), 0, 0}, "", std::move(text)});
  };
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  std::ifstream file(path, std::ios::binary);
  if (error || !file) {
    return note("cannot be read: " + (error ? error.message() : std::string("permission?")));
  }
  if (size > kFileMax) return note("is larger than 16 MiB");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  YamlNode more = read_yaml(text, path.string(), problems);
  if (looks_up_env) expand_environment(more, "", problems);
  if (!more.is_null() && !more.is_map()) {
    problems.push_back({Problem::Severity::Error, more.place, "",
                        fmt::format("expected a mapping, got {}", more.kind_name())});
    return;
  }
  merge_config(root, std::move(more), problems);
}

}  // namespace

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

LoadedConfig load_config(const ConfigSources& sources) {
  std::vector<Problem> problems;
  YamlNode root;
  std::vector<fs::path> files;
  if (!sources.dir.empty()) files = yaml_files(sources.dir, problems);
  if (!sources.file.empty()) {
    const auto is_same = [&](const fs::path& each) {
      std::error_code ignored;
      return fs::equivalent(each, sources.file, ignored);
    };
    if (std::erase_if(files, is_same) > 0) {
      problems.push_back({Problem::Severity::Error,
                          {sources.file, 0, 0},
                          "",
                          "is inside the --config-dir, too: name it once"});
    }
    files.insert(files.begin(), sources.file);
  }
  if (files.empty() && problems.empty()) {
    problems.push_back(
        {Problem::Severity::Error, {sources.dir, 0, 0}, "", "no configuration sources found"});
  }
  for (const fs::path& path : files) {
    add_file(path, sources.looks_up_env, root, problems);
  }
  return finish(std::move(root), sources.ports, std::move(problems));
}

std::string fingerprint(const ConfigSources& sources) {
  std::vector<Problem> ignored;
  std::vector<fs::path> files;
  if (!sources.dir.empty()) files = yaml_files(sources.dir, ignored);
  if (!sources.file.empty()) files.push_back(sources.file);
  std::string text;
  for (const fs::path& path : files) {
    struct stat seen {};
    if (::stat(path.c_str(), &seen) != 0) continue;
    text += fmt::format("{} {}:{} {}.{} {}\n", path.string(), seen.st_dev, seen.st_ino,
                        seen.st_mtim.tv_sec, seen.st_mtim.tv_nsec, seen.st_size);
  }
  return text;
}

LoadedConfig parse_config(std::string_view text, const std::string& name, bool looks_up_env) {
  std::vector<Problem> problems;
  YamlNode root = read_yaml(std::string(text), name, problems);
  if (looks_up_env) expand_environment(root, "", problems);
  return finish(std::move(root), {}, std::move(problems));
}

}  // namespace rouse
