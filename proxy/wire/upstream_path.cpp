#include "proxy/wire/upstream_path.hpp"

#include "proxy/wire/query.hpp"

#include <algorithm>
#include <array>

namespace rouse::wire {

namespace {

/// Longer names are nobody's.
constexpr std::size_t kNameMax = 1024;

/// Of llama-server, vLLM, SGLang, TGI, Ollama, ComfyUI: what tells how an engine is, and what it
/// has.
constexpr std::array kProbes{
    "/health",          "/healthz",     "/live",         "/livez",     "/ready",
    "/readyz",          "/ping",        "/load",         "/metrics",   "/props",
    "/slots",           "/models",      "/version",      "/info",      "/get_model_info",
    "/get_server_info", "/server_info", "/v1/health",    "/v1/models", "/api/version",
    "/api/tags",        "/api/ps",      "/system_stats", "/queue",     "/lora-adapters"};
/// Below which one of them is named.
constexpr std::string_view kOneModel = "/v1/models/";

}  // namespace

bool is_probe(std::string_view method, std::string_view path) {
  if (method != "GET" && method != "HEAD") return false;
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  return path.starts_with(kOneModel) ||
         std::find(kProbes.begin(), kProbes.end(), path) != kProbes.end();
}

std::optional<UpstreamPath> split_upstream(std::string_view path,
                                           const std::function<bool(const std::string&)>& is_name) {
  std::size_t end = path.size();
  if (end > kNameMax) end = path.rfind('/', kNameMax);
  while (end != std::string_view::npos && end > 0) {
    std::string name = percent_decode(path.substr(0, end));
    if (is_name(name)) return UpstreamPath{std::move(name), path.substr(end)};
    end = path.rfind('/', end - 1);
  }
  return std::nullopt;
}

}  // namespace rouse::wire
