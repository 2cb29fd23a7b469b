#include "proxy/access/peer_paths.hpp"

#include "base/service/log.hpp"
#include "proxy/access/rights.hpp"
#include "proxy/wire/query.hpp"
#include "proxy/wire/route.hpp"
#include "proxy/wire/upstream_path.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse {

namespace {

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

std::string_view query_of(std::string_view target) {
  const std::size_t mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

/// Whether whoever tidies paths up would make another one of @p path.
bool climbs(std::string_view path) {
  std::string decoded = wire::percent_decode(path);
  std::replace(decoded.begin(), decoded.end(), '\\', '/');
  std::string_view rest = decoded;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, end);
    if (part == "." || part == "..") return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

/// The route that the peer, were it us, would take; OPTIONS asks about that of another method.
wire::RouteMatch route_there(std::string_view method, std::string_view path) {
  wire::RouteMatch match = wire::match_route(method, path);
  if (method != "OPTIONS" || match.route != nullptr || match.allow.empty()) return match;
  return wire::match_route(match.allow.substr(0, match.allow.find(',')), path);
}

Failure forbidden(const PeerPath& asked) {
  return failure(403,
                 fmt::format("of \"{}\", which a peer has, there are only inference, what shows "
                             "an engine's state, and /upstream/{}/ of the peer itself: \"{} {}\" "
                             "is none of these for you",
                             for_log(asked.asked_for, 100), for_log(asked.model_there, 100),
                             for_log(asked.method, 16), for_log(path_of(asked.target), 100)),
                 "peer_path_forbidden");
}

Failure another_model(const PeerPath& asked, const std::string& said) {
  return failure(400, fmt::format("the path names the model \"{}\" (\"{}\" at the peer), and the "
                                  "request \"{}\"",
                                  for_log(asked.asked_for, 100), for_log(asked.model_there, 100),
                                  for_log(said, 100)));
}

/// Whether @p caller might ask for the same here.
bool may_ask_here(const wire::Route& route, const Caller& caller, const Keys& keys) {
  const Right right = right_of(route);
  if (right.scope && !keys.may(caller, *right.scope)) return false;
  const bool is_of_all =
      right.models == Right::Models::Shown || right.models == Right::Models::Every;
  if (is_of_all && !keys.may_use_all(caller)) return false;
  // Ollama's keep_alive unloads.
  return route.ollama == wire::OllamaCall::None || keys.may(caller, Scope::Control);
}

}  // namespace

std::variant<PeerPathRule, Failure> judge_peer_path(const PeerPath& asked, const Caller& caller,
                                                    const Keys& keys) {
  const std::string_view path = path_of(asked.target);
  if (climbs(path)) return forbidden(asked);
  const wire::RouteMatch match = route_there(asked.method, path);
  const bool is_probe = wire::is_probe(asked.method == "OPTIONS" ? "GET" : asked.method, path);
  if (match.route == nullptr) {
    if (is_probe) return PeerPathRule{};
    return forbidden(asked);
  }
  if (!may_ask_here(*match.route, caller, keys)) return forbidden(asked);
  if (match.route->id == wire::RouteId::Upstream) {
    const auto parts = wire::split_upstream(match.raw_argument, [&asked](const std::string& name) {
      return name == asked.model_there || asked.is_model_there(name);
    });
    if (!parts || parts->name != asked.model_there) return forbidden(asked);
    return PeerPathRule{};
  }
  const bool is_inference = match.route->id == wire::RouteId::Inference;
  if (!is_inference && !is_probe && match.route->needs_key) return forbidden(asked);
  if (!is_inference) return PeerPathRule{};
  const bool in_body = match.route->source == wire::ModelSource::Body && asked.method != "OPTIONS";
  const auto [said, named] = wire::model_in_query(query_of(asked.target));
  if (named > 1) return failure(400, "the query names a model twice: once is enough");
  if (said && *said != asked.model_there) return another_model(asked, *said);
  if (in_body) return PeerPathRule{true};
  if (auto wrong = peer_model_fault(asked, said, caller, keys)) return *wrong;
  return PeerPathRule{};
}

std::optional<Failure> peer_model_fault(const PeerPath& asked,
                                        const std::optional<std::string>& said,
                                        const Caller& caller, const Keys& keys) {
  if (!said) {
    if (asked.method == "OPTIONS" || keys.may_use_all(caller)) return std::nullopt;
    return failure(400, fmt::format("say \"model\": \"{}\", too: without it the peer would choose",
                                    for_log(asked.model_there, 100)));
  }
  if (*said == asked.model_there || *said == asked.asked_for) return std::nullopt;
  return another_model(asked, *said);
}

}  // namespace rouse
