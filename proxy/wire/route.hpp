#pragma once

#include "proxy/wire/error_body.hpp"
#include "proxy/wire/ollama_request.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace rouse::wire {

/// What a request means for the machine. Probes and pages never load anything, and are no work
/// (Route::is_work).
enum class RouteClass { Inference, Control, Probe, Asset };

enum class RouteId {
  Inference,
  Upstream,      ///< /upstream/MODEL/PATH: as it is, to the engine
  UpstreamRoot,  ///< /upstream
  Comfy,         ///< /comfyui/PATH: the model comfyui_auto
  ComfyRoot,     ///< /comfyui
  Models,
  OneModel,
  Running,
  Queue,
  Explain,     ///< /api/explain
  ExplainOne,  ///< /api/explain/NAME
  Load,
  UnloadOne,
  UnloadAll,
  Logs,
  LogStream,
  Health,
  Live,
  Ready,
  Version,
  Ollama,  ///< what Ollama's clients ask beside inference
  Metrics,
  Events,
  Activity,
  Stats,
  Capture,
  Performance,
  Hardware,
  Profiles,
  ActivateProfile,
  Cancel,
  Reload,
  Power,
  PowerEvents,
  PowerAck,
  Peers,     ///< /api/peers
  WakePeer,  ///< /api/peers/NAME/wake
  Wakes,
  Root,
};

/// Where a request says which model it wants.
enum class ModelSource { None, Body, Query, Path };

/// What a route is counted as; a label of metrics.
enum class Api {
  Other,
  Chat,
  Messages,
  Responses,
  Completions,
  Embeddings,
  Rerank,
  Audio,
  Images,
  Models,
  Admin,
};
[[nodiscard]] std::string_view to_string(Api api);  ///< "chat", "messages" …

struct Route {
  RouteId id = RouteId::Inference;
  std::string_view methods;  ///< "POST", "GET HEAD", "GET HEAD POST", "*": any
  std::string_view path;     ///< exact, or with a last "*": the rest is the argument
  RouteClass route_class = RouteClass::Inference;
  ModelSource source = ModelSource::None;
  Api api = Api::Other;
  Dialect dialect = Dialect::Plain;
  bool early_head = false;  ///< a waiting stream may get its head before the engine's
  bool needs_key = true;
  std::string_view upstream_path;        ///< another path for the engine; empty: the same
  OllamaCall ollama = OllamaCall::None;  ///< its body and answer are translated

  /// The machine must be awake for it, and is idle from its end on: inference, and the management
  /// of models.
  [[nodiscard]] bool is_work() const {
    return route_class == RouteClass::Inference || id == RouteId::Load ||
           id == RouteId::UnloadOne || id == RouteId::UnloadAll;
  }
  /// It asks only whether we are there.
  [[nodiscard]] bool is_health() const {
    return id == RouteId::Health || id == RouteId::Live || id == RouteId::Ready;
  }
  /// It asks only how many tokens something has.
  [[nodiscard]] bool counts_tokens() const {
    return path.ends_with("/count_tokens") || path.ends_with("/input_tokens");
  }
  /// @p target as the engine gets it: its own path if it has another, else that of the route; the
  /// query kept.
  [[nodiscard]] std::string upstream_target(std::string_view target) const;
};

struct RouteMatch {
  const Route* route = nullptr;  ///< null: not found, or not with that method
  std::string raw_argument;      ///< what the "*" stands for, as it came
  std::string argument;          ///< the same, percent-decoded
  std::string allow;             ///< not empty: the path exists, these methods may be used
  bool is_inference = false;     ///< of @p route, or of the one that the path would have
};

/// Finds the route of @p path, a target without its query. Extra slashes, and a missing or doubled
/// /v1, are mended: people type base URLs that way.
[[nodiscard]] RouteMatch match_route(std::string_view method, std::string_view path);

/// What was probably meant by a @p path that nobody serves: "POST /v1/chat/completions"; empty: no
/// guess.
[[nodiscard]] std::string nearest_route(std::string_view path);

/// All routes there are.
[[nodiscard]] std::span<const Route> all_routes();

}  // namespace rouse::wire
