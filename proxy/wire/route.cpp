#include "proxy/wire/route.hpp"

#include <algorithm>
#include <array>

namespace rouse::wire {

namespace {

constexpr std::string_view kPost = "POST";
constexpr std::string_view kGet = "GET HEAD";

constexpr Route inference(std::string_view path, Dialect dialect = Dialect::Plain,
                          std::string_view upstream_path = {}) {
  return {.id = RouteId::Inference,
          .methods = kPost,
          .path = path,
          .route_class = RouteClass::Inference,
          .dialect = dialect,
          .early_head = dialect != Dialect::Plain,
          .needs_key = true,
          .upstream_path = upstream_path};
}

constexpr Route own(RouteId id, std::string_view methods, std::string_view path, RouteClass kind,
                    bool needs_key = true) {
  return {.id = id,
          .methods = methods,
          .path = path,
          .route_class = kind,
          .dialect = Dialect::Plain,
          .early_head = false,
          .needs_key = needs_key,
          .upstream_path = {}};
}

constexpr std::array kRoutes{
    inference("/v1/chat/completions", Dialect::OpenAiChat),
    inference("/v1/responses", Dialect::OpenAiResponses),
    inference("/v1/completions", Dialect::OpenAiCompletions),
    inference("/v1/messages", Dialect::Anthropic),
    inference("/v1/messages/count_tokens"),
    inference("/v1/embeddings"),
    inference("/v1/rerank"),
    inference("/v1/reranking"),
    inference("/rerank"),
    inference("/reranking"),
    inference("/infill"),
    inference("/completion"),
    inference("/v1/audio/speech"),
    inference("/v1/audio/voices"),
    inference("/v1/images/generations"),
    inference("/sdapi/v1/txt2img"),
    inference("/sdapi/v1/img2img"),
    inference("/v/chat/completions", Dialect::OpenAiChat, "/chat/completions"),
    inference("/v/responses", Dialect::OpenAiResponses, "/responses"),
    inference("/v/completions", Dialect::OpenAiCompletions, "/completions"),
    inference("/v/messages", Dialect::Anthropic, "/messages"),
    inference("/v/messages/count_tokens", Dialect::Plain, "/messages/count_tokens"),
    inference("/v/embeddings", Dialect::Plain, "/embeddings"),
    inference("/v/rerank", Dialect::Plain, "/rerank"),
    inference("/v/reranking", Dialect::Plain, "/reranking"),
    inference("/audioapi/v1/tasks/run", Dialect::Plain, "/v1/tasks/run"),
    own(RouteId::Models, kGet, "/v1/models", RouteClass::Probe),
    own(RouteId::Models, kGet, "/models", RouteClass::Probe),
    own(RouteId::Running, kGet, "/running", RouteClass::Probe),
    own(RouteId::Queue, kGet, "/api/queue", RouteClass::Probe),
    own(RouteId::Version, kGet, "/api/version", RouteClass::Probe),
    own(RouteId::UnloadAll, kPost, "/api/models/unload", RouteClass::Control),
    own(RouteId::UnloadAll, "GET", "/unload", RouteClass::Control),
    own(RouteId::UnloadOne, kPost, "/api/models/unload/*", RouteClass::Control),
    own(RouteId::Load, kPost, "/api/models/load/*", RouteClass::Control),
    own(RouteId::Logs, kGet, "/logs", RouteClass::Probe),
    own(RouteId::LogStream, kGet, "/logs/stream", RouteClass::Probe),
    own(RouteId::LogStream, kGet, "/logs/stream/*", RouteClass::Probe),
    own(RouteId::Health, kGet, "/health", RouteClass::Probe, false),
    own(RouteId::Health, kGet, "/wol-health", RouteClass::Probe, false),
    own(RouteId::Live, kGet, "/livez", RouteClass::Probe, false),
    own(RouteId::Ready, kGet, "/readyz", RouteClass::Probe, false),
    own(RouteId::Root, kGet, "/", RouteClass::Asset, false),
};

bool allows(std::string_view methods, std::string_view method) {
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
  argument = path.substr(pattern.size());
  return true;
}

std::string with_commas(std::string_view methods) {
  std::string text;
  for (const char c : methods) text += c == ' ' ? std::string(", ") : std::string(1, c);
  return text;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// As HTML forms write queries: a plus is a space.
std::string form_decode(std::string_view text) {
  std::string spaced(text);
  std::replace(spaced.begin(), spaced.end(), '+', ' ');
  return percent_decode(spaced);
}

}  // namespace

std::string Route::upstream_target(std::string_view target) const {
  if (upstream_path.empty()) return std::string(target);
  const std::size_t query = target.find('?');
  std::string out(upstream_path);
  if (query != std::string_view::npos) out += target.substr(query);
  return out;
}

RouteMatch match_route(std::string_view method, std::string_view path) {
  RouteMatch match;
  for (const Route& route : kRoutes) {
    std::string_view argument;
    if (!matches(route.path, path, argument)) continue;
    if (!allows(route.methods, method)) {
      if (!match.allow.empty()) match.allow += ", ";
      match.allow += with_commas(route.methods);
      continue;
    }
    match.route = &route;
    match.argument = percent_decode(argument);
    match.allow.clear();
    return match;
  }
  return match;
}

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
        hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (form_decode(pair.substr(0, equals)) == name) {
      return form_decode(pair.substr(std::min(equals + 1, pair.size())));
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return std::nullopt;
}

}  // namespace rouse::wire
