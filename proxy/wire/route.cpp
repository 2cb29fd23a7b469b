#include "proxy/wire/route.hpp"

#include "base/text/did_you_mean.hpp"
#include "proxy/wire/query.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace rouse::wire {

namespace {

constexpr std::string_view kPost = "POST";
constexpr std::string_view kGet = "GET HEAD";
constexpr std::string_view kAny = "*";
constexpr std::string_view kApi = "/v1";
constexpr std::string_view kApiTwice = "/v1/v1/";

constexpr Route inference(std::string_view path, Api api, Dialect dialect = Dialect::Plain,
                          std::string_view upstream_path = {}) {
  return {.id = RouteId::Inference,
          .methods = kPost,
          .path = path,
          .route_class = RouteClass::Inference,
          .source = ModelSource::Body,
          .api = api,
          .dialect = dialect,
          .early_head = dialect != Dialect::Plain,
          .needs_key = true,
          .upstream_path = upstream_path};
}

constexpr Route query(std::string_view path, Api api, RouteClass kind) {
  return {.id = RouteId::Inference,
          .methods = kGet,
          .path = path,
          .route_class = kind,
          .source = ModelSource::Query,
          .api = api,
          .needs_key = true};
}

constexpr Route own(RouteId id, std::string_view methods, std::string_view path, RouteClass kind,
                    Api api = Api::Admin, bool needs_key = true) {
  return {.id = id,
          .methods = methods,
          .path = path,
          .route_class = kind,
          .source = ModelSource::None,
          .api = api,
          .needs_key = needs_key};
}

/// Which path of the engine it becomes is known when its body is.
constexpr Route ollama(OllamaCall call, std::string_view path, Api api) {
  const bool streams = call == OllamaCall::Chat || call == OllamaCall::Generate;
  return {.id = RouteId::Inference,
          .methods = kPost,
          .path = path,
          .route_class = RouteClass::Inference,
          .source = ModelSource::Body,
          .api = api,
          .dialect = Dialect::Ollama,
          .early_head = streams,
          .needs_key = true,
          .ollama = call};
}

constexpr Route ollama_own(std::string_view methods, std::string_view path) {
  return {.id = RouteId::Ollama,
          .methods = methods,
          .path = path,
          .route_class = RouteClass::Probe,
          .source = ModelSource::None,
          .api = Api::Models,
          .dialect = Dialect::Ollama,
          .needs_key = true};
}

constexpr Route passed(RouteId id, std::string_view path) {
  return {.id = id,
          .methods = kAny,
          .path = path,
          .route_class = RouteClass::Inference,
          .source = ModelSource::Path,
          .api = Api::Other,
          .needs_key = true};
}

constexpr std::array kRoutes{
    inference("/v1/chat/completions", Api::Chat, Dialect::OpenAiChat),
    inference("/v1/responses", Api::Responses, Dialect::OpenAiResponses),
    inference("/v1/completions", Api::Completions, Dialect::OpenAiCompletions),
    inference("/v1/messages", Api::Messages, Dialect::Anthropic),
    inference("/v1/messages/count_tokens", Api::Messages),
    inference("/v1/chat/completions/input_tokens", Api::Chat),
    inference("/v1/responses/input_tokens", Api::Responses),
    inference("/v1/embeddings", Api::Embeddings),
    inference("/v1/rerank", Api::Rerank),
    inference("/v1/reranking", Api::Rerank),
    inference("/rerank", Api::Rerank),
    inference("/reranking", Api::Rerank),
    inference("/v1/score", Api::Rerank),
    inference("/score", Api::Rerank),
    inference("/classify", Api::Other),
    inference("/pooling", Api::Embeddings),
    inference("/infill", Api::Completions),
    inference("/completion", Api::Completions),
    inference("/tokenize", Api::Other),
    inference("/detokenize", Api::Other),
    inference("/apply-template", Api::Other),
    inference("/v1/audio/speech", Api::Audio),
    inference("/v1/audio/voices", Api::Audio),
    inference("/v1/audio/transcriptions", Api::Audio),
    inference("/v1/audio/translations", Api::Audio),
    inference("/v1/images/generations", Api::Images),
    inference("/v1/images/edits", Api::Images),
    inference("/v1/images/variations", Api::Images),
    inference("/sdapi/v1/txt2img", Api::Images),
    inference("/sdapi/v1/img2img", Api::Images),
    inference("/v/chat/completions", Api::Chat, Dialect::OpenAiChat, "/chat/completions"),
    inference("/v/responses", Api::Responses, Dialect::OpenAiResponses, "/responses"),
    inference("/v/completions", Api::Completions, Dialect::OpenAiCompletions, "/completions"),
    inference("/v/messages", Api::Messages, Dialect::Anthropic, "/messages"),
    inference("/v/messages/count_tokens", Api::Messages, Dialect::Plain, "/messages/count_tokens"),
    inference("/v/embeddings", Api::Embeddings, Dialect::Plain, "/embeddings"),
    inference("/v/rerank", Api::Rerank, Dialect::Plain, "/rerank"),
    inference("/v/reranking", Api::Rerank, Dialect::Plain, "/reranking"),
    inference("/audioapi/v1/tasks/run", Api::Audio, Dialect::Plain, "/v1/tasks/run"),
    ollama(OllamaCall::Chat, "/api/chat", Api::Chat),
    ollama(OllamaCall::Generate, "/api/generate", Api::Completions),
    ollama(OllamaCall::Embed, "/api/embed", Api::Embeddings),
    ollama(OllamaCall::Embeddings, "/api/embeddings", Api::Embeddings),
    ollama_own(kGet, "/api/tags"),
    ollama_own(kGet, "/api/ps"),
    ollama_own(kPost, "/api/show"),
    ollama_own(kAny, "/api/pull"),
    ollama_own(kAny, "/api/push"),
    ollama_own(kAny, "/api/create"),
    ollama_own(kAny, "/api/copy"),
    ollama_own(kAny, "/api/delete"),
    ollama_own(kAny, "/api/blobs/*"),
    query("/v1/audio/voices", Api::Audio, RouteClass::Inference),
    query("/sdapi/v1/loras", Api::Images, RouteClass::Inference),
    query("/props", Api::Models, RouteClass::Probe),
    passed(RouteId::Upstream, "/upstream/*"),
    own(RouteId::UpstreamRoot, kGet, "/upstream", RouteClass::Asset),
    passed(RouteId::Comfy, "/comfyui/"),
    passed(RouteId::Comfy, "/comfyui/*"),
    own(RouteId::ComfyRoot, kAny, "/comfyui", RouteClass::Asset),
    own(RouteId::Models, kGet, "/v1/models", RouteClass::Probe, Api::Models),
    own(RouteId::Models, kGet, "/models", RouteClass::Probe, Api::Models),
    own(RouteId::OneModel, kGet, "/v1/models/*", RouteClass::Probe, Api::Models),
    own(RouteId::Running, kGet, "/running", RouteClass::Probe),
    own(RouteId::Queue, kGet, "/api/queue", RouteClass::Probe),
    own(RouteId::Explain, kGet, "/api/explain", RouteClass::Probe),
    own(RouteId::ExplainOne, kGet, "/api/explain/*", RouteClass::Probe),
    own(RouteId::Version, kGet, "/api/version", RouteClass::Probe),
    own(RouteId::Metrics, kGet, "/metrics", RouteClass::Probe),
    own(RouteId::Events, kGet, "/api/events", RouteClass::Probe),
    own(RouteId::Activity, kGet, "/api/metrics/activity", RouteClass::Probe),
    own(RouteId::Stats, kGet, "/api/metrics/stats", RouteClass::Probe),
    own(RouteId::Capture, kGet, "/api/captures/*", RouteClass::Probe),
    own(RouteId::Performance, kGet, "/api/performance", RouteClass::Probe),
    own(RouteId::Hardware, kGet, "/api/hardware", RouteClass::Probe),
    own(RouteId::Profiles, kGet, "/api/profiles", RouteClass::Probe),
    own(RouteId::ActivateProfile, "PUT", "/api/profiles/active", RouteClass::Control),
    own(RouteId::Cancel, kPost, "/api/inflight/*", RouteClass::Control),
    own(RouteId::Reload, kPost, "/api/config/reload", RouteClass::Control),
    own(RouteId::Peers, kGet, "/api/peers", RouteClass::Probe),
    own(RouteId::WakePeer, kPost, "/api/peers/*", RouteClass::Control),
    own(RouteId::Wakes, kGet, "/api/wakes", RouteClass::Probe),
    own(RouteId::UnloadAll, kPost, "/api/models/unload", RouteClass::Control),
    own(RouteId::UnloadAll, "GET", "/unload", RouteClass::Control),
    own(RouteId::UnloadOne, kPost, "/api/models/unload/*", RouteClass::Control),
    own(RouteId::Load, kPost, "/api/models/load/*", RouteClass::Control),
    own(RouteId::Power, kGet, "/v1/power", RouteClass::Probe),
    own(RouteId::PowerEvents, kGet, "/v1/power/events", RouteClass::Probe),
    own(RouteId::PowerAck, kPost, "/v1/power/ack", RouteClass::Probe),
    own(RouteId::Logs, kGet, "/logs", RouteClass::Probe),
    own(RouteId::LogStream, kGet, "/logs/stream", RouteClass::Probe),
    own(RouteId::LogStream, kGet, "/logs/stream/*", RouteClass::Probe),
    own(RouteId::Health, kGet, "/health", RouteClass::Probe, Api::Other, false),
    own(RouteId::Health, kGet, "/healthz", RouteClass::Probe, Api::Other, false),
    own(RouteId::Health, kGet, "/wol-health", RouteClass::Probe, Api::Other, false),
    own(RouteId::Live, kGet, "/livez", RouteClass::Probe, Api::Other, false),
    own(RouteId::Ready, kGet, "/readyz", RouteClass::Probe, Api::Other, false),
    own(RouteId::Root, kGet, "/", RouteClass::Asset, Api::Other, false),
};

bool allows(std::string_view methods, std::string_view method) {
  if (methods == kAny) return true;
  while (!methods.empty()) {
    const std::size_t space = methods.find(' ');
    if (methods.substr(0, space) == method) return true;
    if (space == std::string_view::npos) break;
    methods.remove_prefix(space + 1);
  }
  return false;
}

/// Whether @p path is @p pattern; the rest behind a last "*" goes to @p argument.
bool matches(std::string_view pattern, std::string_view path, std::string_view& argument) {
  if (!pattern.ends_with('*')) return pattern == path;
  pattern.remove_suffix(1);
  if (path.size() <= pattern.size() || !path.starts_with(pattern)) return false;
  argument = path.substr(std::min(path.find_first_not_of('/', pattern.size()), path.size()));
  return !argument.empty();
}

std::string with_commas(std::string_view methods) {
  std::string text;
  for (const char c : methods) text += c == ' ' ? std::string(", ") : std::string(1, c);
  return text;
}

}  // namespace

std::string_view to_string(Api api) {
  switch (api) {
    case Api::Chat:
      return "chat";
    case Api::Messages:
      return "messages";
    case Api::Responses:
      return "responses";
    case Api::Completions:
      return "completions";
    case Api::Embeddings:
      return "embeddings";
    case Api::Rerank:
      return "rerank";
    case Api::Audio:
      return "audio";
    case Api::Images:
      return "images";
    case Api::Models:
      return "models";
    case Api::Admin:
      return "admin";
    case Api::Other:
      break;
  }
  return "other";
}

std::string Route::upstream_target(std::string_view target) const {
  const std::size_t query = target.find('?');
  std::string out(upstream_path.empty() ? path : upstream_path);
  if (query != std::string_view::npos) out += target.substr(query);
  return out;
}

namespace {

/// @p path with one slash in the place of several.
std::string with_single_slashes(std::string_view path) {
  std::string out;
  for (const char c : path) {
    if (c != '/' || !out.ends_with('/')) out += c;
  }
  return out;
}

RouteMatch match_as_it_is(std::string_view method, std::string_view path) {
  RouteMatch match;
  for (const Route& route : kRoutes) {
    std::string_view argument;
    if (!matches(route.path, path, argument)) continue;
    match.is_inference = route.route_class == RouteClass::Inference;
    if (!allows(route.methods, method)) {
      if (!match.allow.empty()) match.allow += ", ";
      match.allow += with_commas(route.methods);
      continue;
    }
    match.route = &route;
    match.raw_argument = argument;
    match.argument = percent_decode(argument);
    match.allow.clear();
    return match;
  }
  return match;
}

bool is_known(const RouteMatch& match) {
  return match.route != nullptr || !match.allow.empty();
}

}  // namespace

RouteMatch match_route(std::string_view method, std::string_view path) {
  RouteMatch match = match_as_it_is(method, path);
  if (is_known(match)) return match;
  std::string mended = with_single_slashes(path);
  if (mended != path) match = match_as_it_is(method, mended);
  if (is_known(match)) return match;
  mended = mended.starts_with(kApiTwice) ? mended.substr(kApi.size()) : std::string(kApi) + mended;
  RouteMatch other = match_as_it_is(method, mended);
  const bool is_api =
      other.is_inference || (other.route != nullptr && other.route->api == Api::Models);
  return is_api ? other : match;
}

std::string nearest_route(std::string_view path) {
  // Ollama has a newer one than /api/embeddings, and a path like it is rather meant for /v1.
  const auto is_old = [](const Route& route) { return route.ollama == OllamaCall::Embeddings; };
  const auto last_part = [](std::string_view of) { return of.substr(of.rfind('/') + 1); };
  while (path.ends_with('/')) path.remove_suffix(1);
  if (path.empty()) return {};
  std::vector<std::string> paths;
  for (const Route& route : kRoutes) {
    if (!route.path.ends_with('*') && !is_old(route)) paths.emplace_back(route.path);
  }
  const std::string meant = did_you_mean(path, paths);
  // A few letters are different; else there is more in front of it; else it has the same end.
  const Route* nearest = nullptr;
  int rank = 0;
  for (const Route& route : kRoutes) {
    if (is_old(route)) continue;
    const std::string_view end = last_part(route.path);
    const int now = route.path == meant                                    ? 3
                    : path.ends_with(route.path) && !end.empty()           ? 2
                    : end == last_part(path) && !route.path.ends_with('*') ? 1
                                                                           : 0;
    const bool is_longer = nearest != nullptr && route.path.size() > nearest->path.size();
    if (now > rank || (now == rank && now == 2 && is_longer)) nearest = &route;
    rank = std::max(rank, now);
  }
  if (nearest == nullptr) return {};
  const std::string_view method = nearest->methods.substr(0, nearest->methods.find(' '));
  return std::string(method == kAny ? "GET" : method) + " " + std::string(nearest->path);
}

std::span<const Route> all_routes() {
  return kRoutes;
}

}  // namespace rouse::wire
