#include "proxy/api/operator_api.hpp"

#include "base/service/log.hpp"
#include "base/text/rfc3339.hpp"
#include "proxy/access/cors.hpp"
#include "proxy/api/control_api.hpp"
#include "proxy/api/event_stream.hpp"
#include "proxy/api/explain_view.hpp"
#include "proxy/api/log_stream.hpp"
#include "proxy/api/ollama_api.hpp"
#include "proxy/api/power_api.hpp"
#include "proxy/api/queue_view.hpp"
#include "proxy/peers/peers_view.hpp"
#include "proxy/wire/error_body.hpp"
#include "proxy/wire/model_list.hpp"
#include "proxy/wire/query.hpp"
#include "proxy/wire/refusal.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <utility>

namespace rouse {

namespace {

constexpr std::size_t kOwnBodyMax = 64 * 1024;

Task<bool> send(HttpStream& client, const RequestHead& request, const wire::Route& route,
                OperatorReply reply, Proxy& proxy) {
  ResponseHead head = own_head(reply.status, reply.type);
  head.content_length = reply.body.size();
  if (!reply.error.message.empty()) reply.body = error_body(head, reply.error, request.fields);
  head.keep_alive = request.keep_alive && client.body_done();
  add_cors(*proxy.config, &route, request, head);
  if (route.route_class != wire::RouteClass::Probe) {
    proxy.recorder.metrics.http_answered(wire::to_string(route.api), request.method, reply.status);
  }
  std::string_view body = reply.body;
  if (request.method == "HEAD") body = {};
  const Result<void> sent = co_await client.write_response(head, body, false);
  // Else what is still on its way would take the answer away from its reader.
  if (sent && !client.body_done()) co_await client.linger_close();
  co_return sent&& head.keep_alive;
}

/// The body of a call to us; it is read also where it is of no use, so that the connection stays.
Task<std::string> read_own_body(HttpStream& client) {
  std::string body;
  while (!client.body_done() && body.size() < kOwnBodyMax) {
    const Result<std::string_view> piece = co_await client.read_body();
    if (!piece) break;
    body += *piece;
  }
  co_return body;
}

OperatorReply capture(const std::string& argument, const Caller& caller, Proxy& proxy) {
  std::int64_t id = 0;
  const char* const last = argument.data() + argument.size();
  const auto [end, error] = std::from_chars(argument.data(), last, id);
  if (error != std::errc{} || end != last) return refusal(400, "a capture has a number");
  const std::string* const model = proxy.recorder.captures.model_of(id);
  const bool may = model != nullptr && proxy.keys.may_see(caller, *model);
  std::string json = may ? proxy.recorder.captures.json(id) : "";
  if (json.empty()) return refusal(404, fmt::format("nothing was captured of request {}", id));
  return {200, "application/json", std::move(json)};
}

/// The rows of the history that are for @p caller.
std::optional<ActivityBounds> bounds_of(const Caller& caller, const Proxy& proxy) {
  if (proxy.keys.may_use_all(caller)) return std::nullopt;
  ActivityBounds bounds;
  for (const std::string& glob : caller.account->config.models) {
    bounds.globs.push_back(glob_for_sqlite(glob));
  }
  bounds.names = proxy.keys.usable_names(caller);
  return bounds;
}

Task<OperatorReply> activity(const RequestHead& request, const Caller& caller, Proxy& proxy) {
  auto parsed = parse_activity_query(request.query());
  if (const auto* wrong = std::get_if<std::string>(&parsed)) co_return refusal(400, *wrong);
  ActivityQuery query = std::get<ActivityQuery>(std::move(parsed));
  query.bounds = bounds_of(caller, proxy);
  const std::optional<ActivityPage> page = co_await proxy.recorder.store().page(std::move(query));
  if (!page) co_return refusal(503, "the history was asked for too late");
  if (!page->fault.empty()) co_return refusal(500, "the history: " + page->fault);
  co_return OperatorReply{200, "application/json", to_json(*page)};
}

Task<OperatorReply> stats(const RequestHead& request, const Caller& caller, Proxy& proxy) {
  std::string model = wire::query_value(request.query(), "model").value_or("");
  std::optional<ActivityBounds> bounds = bounds_of(caller, proxy);
  const std::optional<ActivityStats> found =
      co_await proxy.recorder.store().stats(std::move(model), std::move(bounds));
  if (!found) co_return refusal(503, "the history was asked for too late");
  if (!found->fault.empty()) co_return refusal(500, "the history: " + found->fault);
  co_return OperatorReply{200, "application/json", to_json(*found)};
}

Task<OperatorReply> metrics(const Caller& caller, Proxy& proxy) {
  std::string text = metrics_text(proxy, caller);
  if (proxy.config->metrics_of_llama_swap) {
    co_await proxy.machine.look(Machine::Looker::Scrape);
    text += proxy.machine.metrics();
  }
  co_return OperatorReply{200, Metrics::kContentType, std::move(text)};
}

Task<OperatorReply> performance(const RequestHead& request, Proxy& proxy) {
  std::optional<std::chrono::system_clock::time_point> after;
  if (const auto text = wire::query_value(request.query(), "after")) {
    after = parse_rfc3339(*text);
    if (!after) co_return refusal(400, "after: expected a time like 2026-11-21T05:44:37Z");
  }
  co_await proxy.machine.look(Machine::Looker::Person);
  co_return OperatorReply{proxy.machine.is_disabled() ? 503 : 200, "application/json",
                          proxy.machine.performance(after)};
}

Task<OperatorReply> hardware(Proxy& proxy) {
  co_await proxy.machine.look(Machine::Looker::Person);
  std::string text = proxy.machine.hardware();
  if (text.empty()) co_return refusal(503, "samples of the machine are off (performance.disabled)");
  co_return OperatorReply{200, "application/json", std::move(text)};
}

OperatorReply explain(const std::string& name, const Caller& caller, Proxy& proxy) {
  auto text = explain_text(proxy, caller, name);
  if (auto* json = std::get_if<std::string>(&text)) {
    return {200, "application/json", std::move(*json)};
  }
  return refusal(404, std::get<UnknownName>(text).message, "name_not_found");
}

OperatorReply one_model(const std::string& name, const Caller& caller, Proxy& proxy) {
  std::string text = model_text(proxy, caller, name);
  if (!text.empty()) return {200, "application/json", std::move(text)};
  return refusal(404, unknown_model_text(*proxy.config, name, proxy.keys.usable_by(caller)));
}

OperatorReply plain(std::string text, int status = 200) {
  return {status, "text/plain; charset=utf-8", std::move(text)};
}

Task<OperatorReply> reply_to(const RequestHead& request, const wire::RouteMatch& match,
                             std::string body, const Caller& caller, Proxy& proxy) {
  switch (match.route->id) {
    case wire::RouteId::Models:
      co_return OperatorReply{200, "application/json", models_text(proxy, caller)};
    case wire::RouteId::Running:
      co_return OperatorReply{200, "application/json", running_text(proxy, caller)};
    case wire::RouteId::Queue:
      co_return OperatorReply{200, "application/json", queue_text(proxy, caller)};
    case wire::RouteId::Explain:
      co_return OperatorReply{200, "application/json", explain_text(proxy, caller)};
    case wire::RouteId::ExplainOne:
      co_return explain(match.argument, caller, proxy);
    case wire::RouteId::Logs:
      co_return plain(proxy.logs.mux.text());
    case wire::RouteId::Health:
    case wire::RouteId::Live:
      co_return plain("OK");
    case wire::RouteId::Ready:
      if (proxy.dispatcher.is_shutting_down()) co_return plain("shutting down\n", 503);
      co_return plain("OK");
    case wire::RouteId::Version:
      co_return OperatorReply{200, "application/json", version_text()};
    case wire::RouteId::Ollama: {
      OllamaReply reply = answer_ollama(request.path(), body, caller, proxy);
      co_return OperatorReply{reply.status, "application/json", std::move(reply.body)};
    }
    case wire::RouteId::Root:
      co_return plain("rouse is running. Models: /v1/models, state: /api/queue, logs: /logs\n");
    case wire::RouteId::Metrics:
      co_return co_await metrics(caller, proxy);
    case wire::RouteId::Performance:
      co_return co_await performance(request, proxy);
    case wire::RouteId::Hardware:
      co_return co_await hardware(proxy);
    case wire::RouteId::Activity:
      co_return co_await activity(request, caller, proxy);
    case wire::RouteId::Stats:
      co_return co_await stats(request, caller, proxy);
    case wire::RouteId::Capture:
      co_return capture(match.argument, caller, proxy);
    case wire::RouteId::Profiles:
      co_return OperatorReply{200, "application/json", profiles_text(proxy, caller)};
    case wire::RouteId::Peers:
      co_return OperatorReply{200, "application/json",
                              peers_text(proxy.peers, proxy.keys.seen_by(caller))};
    case wire::RouteId::Wakes:
      co_return OperatorReply{200, "application/json",
                              proxy.peers.ledger().json(proxy.keys.seen_by(caller))};
    case wire::RouteId::Load:
    case wire::RouteId::UnloadOne:
    case wire::RouteId::UnloadAll:
    case wire::RouteId::Cancel:
    case wire::RouteId::ActivateProfile:
    case wire::RouteId::Reload:
    case wire::RouteId::WakePeer:
      co_return co_await answer_control(request, match, body, caller, proxy);
    case wire::RouteId::OneModel:
      co_return one_model(match.argument, caller, proxy);
    case wire::RouteId::Power:
      co_return OperatorReply{200, "application/json", proxy.power.snapshot_json()};
    case wire::RouteId::PowerAck: {
      const std::string problem = take_power_ack(body, proxy.power);
      if (!problem.empty()) co_return refusal(400, problem);
      co_return OperatorReply{200, "application/json", "{}"};
    }
    case wire::RouteId::UpstreamRoot:
    case wire::RouteId::Events:
    case wire::RouteId::PowerEvents:
    case wire::RouteId::LogStream:
    case wire::RouteId::Inference:
    case wire::RouteId::Upstream:
    case wire::RouteId::Comfy:
    case wire::RouteId::ComfyRoot:
      break;
  }
  co_return refusal(404, "there is nothing at " + for_log(request.path()));
}

}  // namespace

Task<bool> answer_operator(HttpStream& client, const RequestHead& request,
                           const wire::RouteMatch& match, Proxy& proxy, Caller caller) {
  client.expires_after(proxy.config->limits.body_timeout);
  const std::string body = co_await read_own_body(client);
  client.expires_never();
  if (match.route->id == wire::RouteId::LogStream && request.method != "HEAD") {
    LogRing* ring = find_log(match.argument, caller, proxy);
    if (ring != nullptr) {
      const bool with_history = !request.query().starts_with("no-history");
      co_await stream_log(client, request, *ring, with_history);
      co_return false;
    }
    OperatorReply unknown = refusal(
        400, "no log is called \"" + for_log(match.argument) + "\": proxy, upstream, or a model");
    co_return co_await send(client, request, *match.route, std::move(unknown), proxy);
  }
  if (match.route->id == wire::RouteId::Events && request.method != "HEAD") {
    co_await stream_events(client, request, proxy, std::move(caller));
    co_return false;
  }
  if (match.route->id == wire::RouteId::PowerEvents && request.method != "HEAD") {
    co_await stream_power_events(client, request, proxy);
    co_return false;
  }
  OperatorReply reply = co_await reply_to(request, match, body, caller, proxy);
  co_return co_await send(client, request, *match.route, std::move(reply), proxy);
}

}  // namespace rouse
