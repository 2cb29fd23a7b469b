#include "proxy/api/ollama_api.hpp"

#include "base/service/log.hpp"
#include "base/text/rfc3339.hpp"
#include "proxy/api/queue_view.hpp"
#include "proxy/wire/error_body.hpp"
#include "proxy/wire/ollama_models.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

namespace rouse {

namespace {

using std::chrono::system_clock;

/// For what stays loaded: clients want a time.
constexpr auto kNever = std::chrono::hours(24 * 365 * 100);

std::string now_text() {
  return to_rfc3339(system_clock::now());
}

bool is_known(const Proxy& proxy, const std::string& name) {
  return proxy.names.is_pinned(name) || proxy.config->find_model(name) != nullptr ||
         proxy.config->selectors.contains(name) || !proxy.peers.find(name).empty();
}

/// When the model's ttl ends, as of now.
std::string expiry_of(const Proxy& proxy, const std::string& id) {
  const auto found = proxy.config->models.find(id);
  const bool has_ttl = found != proxy.config->models.end() && found->second.ttl.count() > 0;
  const auto stays = has_ttl ? std::chrono::seconds(found->second.ttl) : kNever;
  return to_rfc3339(system_clock::now() + stays);
}

std::string running_models(const Caller& caller, Proxy& proxy) {
  std::vector<wire::OllamaRunning> running;
  for (wire::ModelEntry& entry : listed_models(proxy, caller)) {
    if (entry.is_hidden || !entry.loaded || entry.type != "model") continue;
    std::string expires_at = expiry_of(proxy, entry.id);
    running.push_back({std::move(entry), std::move(expires_at)});
  }
  return wire::ollama_ps(running);
}

OllamaReply ollama_refusal(int status, std::string_view message) {
  return {status, wire::ollama_error(message)};
}

/// "model", or "name", as older clients have it.
std::string named_in(const std::string& body) {
  simdjson::dom::parser parser;
  simdjson::dom::object root;
  const simdjson::padded_string padded(body);
  std::string_view name;
  if (parser.parse(padded).get(root) != simdjson::SUCCESS) return {};
  if (root["model"].get(name) != simdjson::SUCCESS || name.empty()) {
    if (root["name"].get(name) != simdjson::SUCCESS) return {};
  }
  return std::string(name);
}

OllamaReply show(const std::string& body, const Caller& caller, Proxy& proxy) {
  const std::string asked_for = named_in(body);
  if (asked_for.empty()) return ollama_refusal(400, "model is required");
  const std::string name = ollama_name(proxy, asked_for);
  if (const auto found = find_listed(proxy, caller, name)) {
    return {200, wire::ollama_show(*found, now_text())};
  }
  return ollama_refusal(404,
                        unknown_model_text(*proxy.config, asked_for, proxy.keys.usable_by(caller)));
}

}  // namespace

std::string ollama_name(const Proxy& proxy, std::string_view asked_for) {
  std::string name(asked_for);
  if (name.empty() || is_known(proxy, name)) return name;
  std::string other = wire::other_tag(name);
  return !other.empty() && is_known(proxy, other) ? other : name;
}

OllamaReply answer_ollama(std::string_view path, const std::string& body, const Caller& caller,
                          Proxy& proxy) {
  if (path.ends_with("/tags")) {
    const bool with_aliases = proxy.config->include_aliases_in_list;
    return {200, wire::ollama_tags(listed_models(proxy, caller), with_aliases, now_text())};
  }
  if (path.ends_with("/ps")) return {200, running_models(caller, proxy)};
  if (path.ends_with("/show")) return show(body, caller, proxy);
  return ollama_refusal(501,
                        fmt::format("rouse serves the models of its configuration, and neither "
                                    "fetches, makes nor removes any: there is no {}",
                                    for_log(path)));
}

}  // namespace rouse
