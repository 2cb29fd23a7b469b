#include "proxy/request/session.hpp"

#include "base/service/log.hpp"
#include "proxy/access/cors.hpp"
#include "proxy/access/host_rule.hpp"
#include "proxy/access/rights.hpp"
#include "proxy/api/operator_api.hpp"
#include "proxy/request/exchange.hpp"
#include "proxy/wire/error_body.hpp"
#include "proxy/wire/refusal.hpp"
#include "proxy/wire/route.hpp"
#include "proxy/wire/upstream_path.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <re2/re2.h>
#include <utility>

namespace rouse {

namespace {

using wire::Api;

constexpr const char* kComfyModel = "comfyui_auto";

/// Says no and, unless the request had no body, closes: what is unread is nobody's request.
/// @p head: with further fields; its status is that of the answer. @p route: null where none is.
Task<bool> refuse(HttpStream& client, const RequestHead& request, ResponseHead head,
                  wire::ErrorText text, const wire::Route* route, Proxy& proxy) {
  const wire::Dialect dialect = route == nullptr ? wire::Dialect::Plain : route->dialect;
  const std::string body = error_body(head, text, request.fields, dialect);
  const bool unread = request.framing != Framing::None;
  head.keep_alive = request.keep_alive && !unread && !proxy.power.is_suspending();
  add_cors(*proxy.config, route, request, head);
  const bool body_wanted = request.method != "HEAD";
  const std::string_view sent_body = body_wanted ? std::string_view(body) : std::string_view();
  const Api api = route == nullptr ? Api::Other : route->api;
  proxy.recorder.metrics.http_answered(wire::to_string(api), request.method, head.status);
  const Result<void> sent = co_await client.write_response(head, sent_body, false);
  if (!sent) co_return false;
  if (unread) co_await client.linger_close();
  co_return head.keep_alive;
}

/// The same for a failure that was found by others.
Task<bool> refuse(HttpStream& client, const RequestHead& request, Failure failed,
                  const wire::Route* route, Proxy& proxy) {
  ResponseHead head = error_head(failed.status, failed.retry_after_s);
  if (failed.status == 401) head.fields.add("www-authenticate", "Basic realm=\"rouse\"");
  if (failed.suspending) head.fields.add(kNotExecuted, "suspending");
  co_return co_await refuse(client, request, std::move(head), std::move(failed.text), route, proxy);
}

/// What a path under /upstream/ or /comfyui/ asks for; nullopt: it names no model.
std::optional<PathTarget> path_target(const Proxy& proxy, const wire::RouteMatch& match,
                                      const RequestHead& request) {
  const Config& config = *proxy.config;
  PathTarget found;
  if (match.route->id == wire::RouteId::Comfy) {
    found.name = kComfyModel;
    found.target = "/" + match.raw_argument;
    found.starts = match.raw_argument.empty();
  } else {
    const auto parts = wire::split_upstream(match.raw_argument, [&](const std::string& name) {
      return proxy.names.is_pinned(name) || config.find_model(name) != nullptr ||
             !proxy.peers.find(name).empty();
    });
    if (!parts) return std::nullopt;
    found.name = parts->name;
    found.target = parts->rest;
    const auto& ignored = config.upstream_ignore_paths;
    const bool is_ignored = std::any_of(ignored.begin(), ignored.end(), [&](const auto& pattern) {
      // Its own view of a text, which newer versions do not take from a std::string_view.
      return re2::RE2::PartialMatch({parts->rest.data(), parts->rest.size()}, *pattern);
    });
    const bool is_probe =
        request.method == "OPTIONS" || wire::is_probe(request.method, parts->rest);
    found.starts = !is_ignored && !is_probe;
  }
  // Also a query that is empty: it is part of the target (RFC 9110 §7.1).
  const std::size_t query = request.target.find('?');
  if (query != std::string::npos && !found.target.empty())
    found.target += request.target.substr(query);
  return found;
}

/// To the same place with a slash at its end, as llama-swap does.
Task<bool> redirect(HttpStream& client, const RequestHead& request, std::string_view to) {
  const bool is_read = request.method == "GET" || request.method == "HEAD";
  ResponseHead head = own_head(is_read ? 301 : 308, "");
  std::string location(to);
  if (!request.query().empty()) location.append("?").append(request.query());
  head.fields.add("location", location);
  head.keep_alive = request.keep_alive && request.framing == Framing::None;
  const Result<void> sent = co_await client.write_response(head, std::string_view(), false);
  co_return sent&& head.keep_alive;
}

/// Whether what @p path names is work: no page that must not load the model, and no WebSocket that
/// is configured not to.
bool needs_awake(const Proxy& proxy, const RequestHead& request,
                 const std::optional<PathTarget>& path) {
  if (!path) return true;
  if (!path->starts) return false;
  const bool is_socket =
      request.fields.contains("upgrade") && request.fields.has_token("connection", "upgrade");
  const ModelConfig* const model = proxy.config->find_model(proxy.names.pinned(path->name));
  return !(is_socket && model != nullptr && model->ignore_websockets);
}

/// Whose attempts of a request are taken for those of one sender.
std::string sender_of(const Caller& caller, const std::string& remote) {
  return caller.name.empty() ? "at " + remote : "key " + caller.name;
}

/// A request for a model, which its path, its query or its body names.
Task<bool> pass(HttpStream& client, RequestHead request, const wire::RouteMatch& match,
                const std::string& remote, Caller caller, Proxy& proxy) {
  std::optional<PathTarget> path;
  if (match.route->source == wire::ModelSource::Path) {
    path = path_target(proxy, match, request);
    if (!path) {
      std::string text =
          unknown_model_text(*proxy.config, match.argument, proxy.keys.usable_by(caller));
      Failure unknown = failure(404, std::move(text), "model_not_found");
      co_return co_await refuse(client, request, std::move(unknown), match.route, proxy);
    }
    if (path->target.empty()) {
      const std::string with_slash = std::string(request.path()) + "/";
      co_return co_await redirect(client, request, with_slash);
    }
  }
  std::unique_ptr<Power::Work> work;
  if (match.route->is_work() && needs_awake(proxy, request, path)) {
    auto begun = proxy.power.begin(request, sender_of(caller, remote));
    if (auto* refused = std::get_if<Failure>(&begun)) {
      co_return co_await refuse(client, request, std::move(*refused), match.route, proxy);
    }
    work = std::get<std::unique_ptr<Power::Work>>(std::move(begun));
  }
  Exchange exchange(proxy, client, std::move(request), *match.route, std::move(path), remote,
                    std::move(caller));
  if (work) work->is_request(exchange.id());
  co_return co_await exchange.run();
}

/// A path that nobody serves, or not with that method.
Task<bool> refuse_unknown(HttpStream& client, const RequestHead& request,
                          const wire::RouteMatch& match, Proxy& proxy) {
  const int status = match.allow.empty() ? 404 : 405;
  ResponseHead head = error_head(status, 0);
  if (!match.allow.empty()) head.fields.add("allow", match.allow);
  wire::ErrorText text;
  const std::string path = for_log(request.path());
  if (status == 405) {
    text.message = "use " + match.allow + " for " + path;
  } else {
    const std::string nearest = wire::nearest_route(request.path());
    text.message = "there is nothing at " + path;
    if (!nearest.empty()) text.message += "; the nearest is " + nearest;
  }
  const bool is_new = proxy.recorder.unknown_paths.add(request.method + " " + path);
  spdlog::log(is_new ? spdlog::level::info : spdlog::level::debug, "{} {} status={}: {}{}",
              request.method, path, status, text.message, is_new ? " (told once)" : "");
  co_return co_await refuse(client, request, std::move(head), std::move(text), nullptr, proxy);
}

/// Who asks, or why they may not.
std::variant<Caller, Failure> identify(const RequestHead& request, const wire::Route& route,
                                       Proxy& proxy) {
  if (std::optional<Failure> fault = origin_fault(*proxy.config, route, request)) return *fault;
  const Right right = right_of(route);
  if (!right.scope) return Caller();
  auto judged = proxy.keys.authorise(request.fields, *right.scope);
  const auto* const caller = std::get_if<Caller>(&judged);
  if (caller != nullptr) {
    const bool may = right.models != Right::Models::Every || proxy.keys.may_use_all(*caller);
    if (may) return *caller;
    proxy.recorder.metrics.rejected("model_forbidden", caller->name);
    return failure_of(Keys::all_models_wanted(*caller));
  }
  const KeyRefusal& refusal = std::get<KeyRefusal>(judged);
  proxy.recorder.metrics.rejected(refusal.status == 401 ? "auth" : "scope", "");
  return failure_of(refusal);
}

/// A head that could not be read: answered if it deserves one, then the connection ends.
Task<void> refuse_head(HttpStream& client, const Error& error) {
  const int status = status_for(error.code);
  if (status == 0) co_return;
  wire::ErrorText text;
  text.message = error.message() + std::string(limit_named(status));
  const bool is_limit = !limit_named(status).empty();
  spdlog::log(is_limit ? spdlog::level::info : spdlog::level::debug,
              "a request was refused with {}: {}", status, text.message);
  const std::string body = wire::error_json(status, text);
  ResponseHead head = error_head(status, 0);
  head.content_length = body.size();
  head.keep_alive = false;
  client.expires_after(std::chrono::seconds(5));
  const Result<void> sent = co_await client.write_response(head, body, false);
  if (sent) co_await client.linger_close();
}

}  // namespace

Task<bool> serve_one(HttpStream& client, RequestHead request, const std::string& remote,
                     Proxy& proxy) {
  const wire::RouteMatch match = wire::match_route(request.method, request.path());
  if (auto foreign = host_fault(*proxy.config, proxy.own_names, match.route, request)) {
    proxy.recorder.metrics.rejected("host", "");
    co_return co_await refuse(client, request, std::move(*foreign), match.route, proxy);
  }
  const bool is_engines = match.route != nullptr && match.route->source == wire::ModelSource::Path;
  const bool is_preflight = request.fields.contains("access-control-request-method");
  if (request.method == "OPTIONS" && (is_preflight || !is_engines)) {
    ResponseHead head = preflight_head(*proxy.config, request);
    head.keep_alive = request.keep_alive && request.framing == Framing::None;
    const Result<void> sent = co_await client.write_response(head, std::string_view(), false);
    co_return sent&& head.keep_alive;
  }
  const bool takes_upgrade =
      match.route != nullptr && match.route->source != wire::ModelSource::Body;
  if (request.fields.contains("upgrade") && match.is_inference && !takes_upgrade) {
    // 426 makes codex fall back to a plain POST at once (docs/clients.md, What they ask).
    Failure wrong = failure(426, "this route speaks HTTP, not a WebSocket");
    co_return co_await refuse(client, request, std::move(wrong), match.route, proxy);
  }
  if (match.route == nullptr) co_return co_await refuse_unknown(client, request, match, proxy);
  auto identified = identify(request, *match.route, proxy);
  if (auto* refused = std::get_if<Failure>(&identified)) {
    co_return co_await refuse(client, request, std::move(*refused), match.route, proxy);
  }
  if (match.route->id == wire::RouteId::ComfyRoot) {
    co_return co_await redirect(client, request, "/comfyui/");
  }
  if (match.route->source != wire::ModelSource::None) {
    Caller caller = std::get<Caller>(std::move(identified));
    co_return co_await pass(client, std::move(request), match, remote, std::move(caller), proxy);
  }
  Caller caller = std::get<Caller>(std::move(identified));
  std::unique_ptr<Power::Work> work;
  if (match.route->is_work()) {
    auto begun = proxy.power.begin(request, sender_of(caller, remote));
    if (auto* refused = std::get_if<Failure>(&begun)) {
      co_return co_await refuse(client, request, std::move(*refused), match.route, proxy);
    }
    work = std::get<std::unique_ptr<Power::Work>>(std::move(begun));
  }
  co_return co_await answer_operator(client, request, match, proxy, std::move(caller));
}

Task<void> serve_client(std::unique_ptr<HttpStream> client, std::string remote, Proxy& proxy) {
  for (bool used = false;; used = true) {
    const LimitsConfig& limits = proxy.config->limits;
    client->expires_after(used ? limits.idle_timeout : limits.head_timeout);
    auto idle =
        std::make_unique<IdleConnections::Member>(proxy.power.idle_connections(), *client, used);
    Result<std::optional<RequestHead>> request = co_await client->read_request();
    idle.reset();
    if (!request) {
      co_await refuse_head(*client, request.error());
      co_return;
    }
    if (!*request) co_return;  // a clean close between requests
    client->expires_never();
    const bool stays_open = co_await serve_one(*client, std::move(**request), remote, proxy);
    if (!stays_open || proxy.dispatcher.is_shutting_down() || proxy.power.is_suspending())
      co_return;
  }
}

}  // namespace rouse
