#pragma once

#include "base/net/endpoint.hpp"
#include "base/text/sha256.hpp"
#include "base/tls/context.hpp"
#include "base/yaml/tree.hpp"
#include "core/key_budget.hpp"
#include "core/swap/residency.hpp"
#include "core/swap/scheduler.hpp"
#include "proxy/config/wake.hpp"
#include "proxy/wire/capabilities.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace re2 {
class RE2;
}

namespace rouse {

/// One member of a JSON object to set, as the JSON text of its value.
struct SetParam {
  std::string path;  ///< sjson path: a.b, arr.0, \. for a dot
  std::string json;
  bool if_absent = false;  ///< only where the request has none: "key?" in the file
};

/// Parameters that are set where one of a request has a certain value.
struct MatchRule {
  std::string path;                ///< of the one that is looked at
  std::vector<std::string> texts;  ///< that it may have
  std::vector<SetParam> set;
};

struct Filters {
  std::vector<std::string> strip_params;
  std::vector<MatchRule> set_params_by_match;
  std::vector<SetParam> set_params;  ///< sorted by path
  std::map<std::string, std::vector<SetParam>, std::less<>>
      set_params_by_id;  ///< by the name asked for
};

struct Timeouts {
  std::chrono::seconds connect{30};
  std::chrono::seconds keepalive{30};
  std::chrono::seconds response_header{0};  ///< 0: none
  std::chrono::seconds tls_handshake{10};
  std::chrono::seconds expect_continue{1};
  std::chrono::seconds idle_conn{90};
};

struct ModelConfig {
  std::string id;
  std::string peer;                  ///< not empty: it is a model of that peer, id is PEER/MODEL
  std::string cmd;                   ///< expanded text
  std::string cmd_shown;             ///< the same for people: *** in the place of secrets
  std::vector<std::string> argv;     ///< the same, split
  std::string cmd_stop;              ///< may hold ${PID}
  std::string proxy;                 ///< expanded URL text
  Endpoint endpoint;                 ///< the same, parsed
  std::optional<int> port;           ///< allocated for ${PORT}
  std::string api_key;               ///< that the engine wants, or empty
  std::vector<std::string> aliases;  ///< also those made by setParamsByID
  std::vector<std::string> env;
  std::string check_endpoint = "/health";  ///< "none": ready as soon as started
  std::chrono::seconds ttl{0};             ///< resolved with globalTTL; 0: never
  std::chrono::seconds unload_timeout{10};
  std::chrono::seconds health_check_timeout{120};
  bool baseline = false;     ///< loaded whenever the others have left
  bool unevictable = false;  ///< once loaded, nobody gets its room
  bool unlisted = false;
  std::string use_model_name;
  std::string name;
  std::string description;
  int concurrency_limit = 10;
  std::optional<std::vector<std::string>> prefetch;  ///< nullopt: the models that cmd names
  Filters filters;
  std::string metadata_json;  ///< JSON object text, or empty
  bool send_loading_state = false;
  Timeouts timeouts;
  bool ignore_websockets = false;
  wire::Capabilities capabilities;   ///< as typed
  bool may_ask_capabilities = true;  ///< what engine and command say of themselves counts, too

  /// By which name its engine knows it.
  [[nodiscard]] const std::string& name_there() const {
    return use_model_name.empty() ? id : use_model_name;
  }
};

struct ProfileConfig {
  std::string description;
  std::map<std::string, std::string> pins;  ///< target "" : disabled
};

struct SelectorConfig {
  enum class Strategy { Pin, Warm, Spillover };
  Strategy strategy = Strategy::Pin;
  std::vector<std::string> targets;
  int spillover = 1;
  std::string name;
  std::string description;
  bool unlisted = false;
  std::string metadata_json;
};

/// As a configuration writes it: "spillover".
[[nodiscard]] std::string_view name_of(SelectorConfig::Strategy strategy);

struct PeerHold {  // peers.NAME.hold: (ours) requests that wait for it
  std::size_t max = 64;
  std::uint64_t bytes = 64ULL * 1024 * 1024;  ///< of their bodies, in our memory
  std::chrono::milliseconds wait{180'000};    ///< longest wait of one
};

struct PeerConfig {
  int order = 0;  ///< place in the file: who is asked first of those with the same model
  std::string proxy;
  Endpoint endpoint;
  std::string api_key;
  std::vector<std::string> models;  ///< what it lists comes in addition if learns_models
  bool learns_models = false;
  Filters filters;
  Timeouts timeouts;
  std::string probe_path;  ///< empty: /health, or else its list of models
  PeerHold hold;
  std::optional<WakeConfig> wake;  ///< nullopt: it never sleeps
};

/// A model without a command, which the peers that have one of its name serve.
struct PeerModel {
  Filters filters;                   ///< after those of the peer
  std::vector<std::string> aliases;  ///< also those made by setParamsByID
};

struct WaitingConfig {                          // waiting: (ours)
  std::chrono::milliseconds hold{12'000};       ///< before the early head of a stream
  std::chrono::milliseconds keep_alive{8'000};  ///< between comments after it
};

struct AuxConfig {  // aux: (ours) titles, summaries, counts: no model is swapped for their sake
  bool enabled = true;
  std::int64_t max_tokens = 16;               ///< who asks for so few is one
  std::uint64_t body_max = 64 * 1024;         ///< of a larger body nobody looks
  std::chrono::milliseconds patience{1'000};  ///< it lets others go first for so long
  std::vector<std::string> answer_by;         ///< ids that may answer instead, when they are loaded
  bool refuses_unloaded = false;  ///< else it waits, and has its model loaded in the end
  std::vector<std::shared_ptr<const re2::RE2>> rules;
};

struct LimitsConfig {  // limits: (ours)
  std::uint64_t body_max = 64ULL * 1024 * 1024;
  std::uint64_t body_rate_min = 4 * 1024;         ///< bytes a second; 0: any
  std::uint64_t held_max = 256ULL * 1024 * 1024;  ///< of all bodies that wait, at least body_max
  std::size_t head_max = 64 * 1024;
  std::size_t connections_max = 20'000;
  std::size_t connections_per_address = 0;              ///< 0: half of connections_max
  std::chrono::milliseconds head_timeout{30'000};       ///< for the whole head of a request
  std::chrono::milliseconds body_timeout{60'000};       ///< between two pieces of a body
  std::chrono::milliseconds tunnel_timeout{3'600'000};  ///< of a WebSocket on which nobody talks
  std::chrono::milliseconds idle_timeout{360'000};  ///< a kept-alive connection (bun keeps 300 s)
};

struct PowerConfig {                // power: (ours)
  std::string socket;               ///< empty: the usual place, if there is a folder for it
  std::vector<std::string> users;   ///< names or numbers, besides those who always may
  std::vector<std::string> groups;  ///< names or numbers
  bool has_guests = false;        ///< users or groups are named: the file's mode lets everybody in
  std::vector<std::string> load;  ///< model ids, after a sleep
  bool load_last = false;         ///< and those that were resident before it
};

/// An alias with a * in it, which stands for any text.
struct AliasPattern {
  std::string pattern;
  std::string model;

  [[nodiscard]] bool matches(std::string_view name) const;
};

/// What a key may be used for.
enum class Scope {
  Infer,     ///< routes that need an engine
  Observe,   ///< listings, logs, history, metrics
  Control,   ///< load, unload, cancel, reload
  Wake,      ///< a request may wake a machine that sleeps
  List,      ///< the listing of models alone, which Infer and Observe have in them
  Captures,  ///< what was recorded of requests: prompts and answers
};

/// As a configuration writes it: "infer".
[[nodiscard]] std::string_view name_of(Scope scope);

/// Whether @p name can be that of a key: letters, digits, . _ and -, 64 at most, and not apiKeys.
[[nodiscard]] bool is_key_name(std::string_view name);

struct KeyConfig {  // keys: (ours), and apiKeys as one entry of that name
  std::string name;
  std::vector<Sha256> sha256;  ///< of the keys; more than one while a key is being replaced
  std::set<Scope> scopes{Scope::Infer, Scope::Observe};
  std::vector<std::string> models{"*"};  ///< globs
  core::KeyLimits limits;
  std::optional<std::chrono::system_clock::time_point> expires;  ///< from then on it is refused

  [[nodiscard]] bool has(Scope scope) const {
    const bool lists = scopes.contains(Scope::Infer) || scopes.contains(Scope::Observe);
    return scopes.contains(scope) || (scope == Scope::List && lists);
  }
  [[nodiscard]] bool has_expired(std::chrono::system_clock::time_point now) const {
    return expires && now >= *expires;
  }
};

enum class LogToStdout { Proxy, Upstream, Both, None };

/// The whole configuration as immutable values: defaults applied, macros expanded, names resolved.
struct Config {
  std::string log_level = "info";
  std::string log_time_format;
  LogToStdout log_to_stdout = LogToStdout::Proxy;
  std::chrono::seconds health_check_timeout{120};
  int start_port = 5800;
  bool include_aliases_in_list = false;
  std::string identity = "llama-swap";  ///< what listings say we are
  int metrics_max_in_memory = 1000;
  int capture_buffer_mb = 0;  ///< 0: nothing is captured
  std::optional<std::string> store_path;
  std::int64_t store_rows_max = 1'000'000;                               ///< 0: no limit
  std::chrono::milliseconds store_age_max{std::chrono::hours(90 * 24)};  ///< 0: for ever
  std::vector<std::string> activity_session_id{"X-Session-ID", "X-Litellm-Session-Id"};
  bool performance_disabled = false;
  std::chrono::seconds performance_every{5};
  bool metrics_of_llama_swap = false;  ///< its llamaswap_* series at /metrics, too
  std::vector<std::string> api_keys;
  std::vector<KeyConfig> keys;  ///< those of api_keys are the first entry; empty: no key is needed
  /// cors: (ours) origins whose pages may use us, in lower case, or "*"; nullopt: not said.
  std::optional<std::vector<std::string>> cors_origins;
  std::vector<std::string> hosts;  ///< hosts: (ours) globs of names that are ours, in lower case
  bool cors_credentials = false;   ///< pages of the named origins may send cookies and the like
  std::map<std::string, ModelConfig, std::less<>> models;   ///< by id
  std::map<std::string, std::string, std::less<>> aliases;  ///< alias -> id
  std::vector<AliasPattern> alias_patterns;                 ///< the most particular first
  std::map<std::string, ProfileConfig> profiles;
  std::map<std::string, SelectorConfig> selectors;
  std::map<std::string, PeerConfig> peers;
  std::map<std::string, PeerModel, std::less<>> peer_models;  ///< by the name that they have there
  /// Linear in time, whatever the pattern, and llama-swap's syntax.
  std::vector<std::shared_ptr<const re2::RE2>> upstream_ignore_paths;
  std::vector<std::string> preload;                  ///< model ids
  int concurrency_limit = 0;                         ///< of all models together; 0: none
  std::string default_model;                         ///< of requests that name none, or empty
  std::string startup_profile;                       ///< active from the start; empty: none
  std::shared_ptr<const core::Residency> residency;  ///< matrix or groups; never null
  std::map<std::string, int, std::less<>> priority;  ///< by the name asked for (id or alias)
  core::SchedulePolicy schedule;                     // schedule: (ours)
  WaitingConfig waiting;
  AuxConfig aux;
  LimitsConfig limits;
  TlsFiles tls;  // tls: (ours); cert and key both or neither
  PowerConfig power;
  /// Variables of the environment that hold secrets of ours: no program gets them (secrets.hpp).
  std::set<std::string, std::less<>> withheld;
  /// What the files say, before any macro: of it with_port() makes a model with another port.
  std::shared_ptr<const YamlNode> source;
  std::shared_ptr<const YamlNode> written;  ///< the same with each ${env.NAME} as it stands there

  /// The model with that id or exactly that alias; nullptr if none.
  [[nodiscard]] const ModelConfig* find_exact(std::string_view name) const;
  /// The model with that id, that alias, or an alias pattern that fits, in this order; nullptr if
  /// none.
  [[nodiscard]] const ModelConfig* find_model(std::string_view name) const;
  /// The name at peers of the model that @p name is an alias of; @p name itself if it is none.
  [[nodiscard]] std::string_view name_at_peers(std::string_view name) const;
};

struct LoadedConfig {
  std::shared_ptr<const Config> config;       ///< null when a problem is an error
  std::vector<Problem> problems;              ///< all of them, in order of place
  std::vector<std::string> unsupported;       ///< key paths that are accepted but do nothing yet
  std::map<std::string, SourcePlace> places;  ///< of values, by key path: "models.a.cmd"
  /// Of models, peers, keys and apiKeys those that are empty because a file says so: "models: {}".
  std::set<std::string, std::less<>> emptied = {};
};

/// Model @p id of @p config as if its ${PORT} were @p port; nullopt: it has none, or the file does
/// not hold with that one.
[[nodiscard]] std::optional<ModelConfig> with_port(const Config& config, const std::string& id,
                                                   int port);

struct ConfigSources {
  std::string file;  ///< --config, or empty
  std::string dir;   ///< --config-dir, or empty
  /// The ${PORT}s of a configuration that runs: its models keep them, so that a model that is
  /// added or taken out changes no other's command line.
  std::map<std::string, int> ports = {};
  /// False: each ${env.NAME} stays as it is, and what depends on it is not judged. For a check
  /// where the secrets are not; nobody may run by what comes out.
  bool looks_up_env = true;
};

/// @p sources with the ports of @p config, which runs.
[[nodiscard]] ConfigSources keeping_ports(ConfigSources sources, const Config& config);

/// Reads, merges, expands and checks. Never throws; reads files and environment only.
[[nodiscard]] LoadedConfig load_config(const ConfigSources& sources);
/// Something that is different when one of the files is: their paths, inodes, times and sizes, with
/// links followed (a ConfigMap swaps one). Empty: nothing can be read at the moment.
[[nodiscard]] std::string fingerprint(const ConfigSources& sources);
/// The same for one text; @p name stands for the file in problems.
[[nodiscard]] LoadedConfig parse_config(std::string_view text, const std::string& name,
                                        bool looks_up_env = true);

}  // namespace rouse
