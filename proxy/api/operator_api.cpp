#include "proxy/api/operator_api.hpp"

#include "base/service/log.hpp"
#include "base/text/json_writer.hpp"
#include "base/text/rfc3339.hpp"
#include "proxy/access/cors.hpp"
#include "proxy/api/event_stream.hpp"
#include "proxy/api/explain_view.hpp"
#include "proxy/api/log_stream.hpp"
#include "proxy/api/ollama_api.hpp"
#include "proxy/api/power_api.hpp"
#include "proxy/api/queue_view.hpp"
#include "proxy/peers/peers_view.hpp"
#include "proxy/wire/error_body.hpp"
#include "proxy/wire/model_list.hpp"
#include "proxy/wire/refusal.hpp"

#include <simdjson.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>
#include <utility>

namespace rouse {

namespace {

constexpr std::size_t kOwnBodyMax = 64 * 1024;

struct OperatorReply {
  int status = 200;
  std::string_view type = "application/json";
  std::string body;
  wire::ErrorText error = {};  ///< of a failure, instead of a body
};

OperatorReply refusal(int status, std::string message, std::string code = {}) {
  wire::ErrorText text;
  text.message = std::move(message);
  text.code = std::move(code);
  return {status, {}, {}, std::move(text)};
}

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

/// "force" and "stay", as parameters or as members of the body: "1", "true", true.
bool is_asked(const RequestHead& request, const std::string& body, const std::string& word) {
  if (const auto value = wire::query_value(request.query(), word)) {
    return *value == "1" || *value == "true" || value->empty();
  }
  simdjson::dom::parser parser;
  bool asked = false;
  const simdjson::padded_string text(body);
  const bool is_there = parser.parse(text).at_key(word).get(asked) == simdjson::SUCCESS;
  return is_there && asked;
}

core::UnloadWanted wanted_unload(const RequestHead& request, const std::string& body) {
  core::UnloadWanted wanted;
  wanted.at_once = is_asked(request, body, "force");
  wanted.stays = is_asked(request, body, "stay");
  return wanted;
}

Task<OperatorReply> unload(const std::optional<std::string>& name, bool plain_ok,
                           core::UnloadWanted wanted, Proxy& proxy) {
  if (name) {
    const ModelConfig* model = proxy.config->find_model(*name);
    if (model == nullptr) co_return refusal(404, unknown_model_text(*proxy.config, *name));
    wanted.model = model->id;
  }
  const std::optional<std::string> id = wanted.model;
  spdlog::info("unload of {} asked for{}", id ? *id : "all models",
               wanted.at_once ? ", at once" : "");
  proxy.dispatcher.unload(std::move(wanted));
  co_await proxy.dispatcher.unloaded(id);
  OperatorReply reply;
  if (plain_ok) {
    reply.type = "text/plain; charset=utf-8";
    reply.body = "OK";
  } else {
    reply.body = R"({"msg":"ok"})";
  }
  co_return reply;
}

Task<OperatorReply> load(const std::string& name, Proxy& proxy) {
  const std::shared_ptr<const Config> config = proxy.config;  // a reload must not take it away
  const ModelConfig* model = config->find_model(name);
  if (model == nullptr) co_return refusal(404, unknown_model_text(*config, name));
  spdlog::info("load of {} asked for", model->id);
  std::string obstacle = co_await proxy.dispatcher.missing_file(*model);
  if (obstacle.empty()) obstacle = proxy.dispatcher.load(model->id);
  if (!obstacle.empty()) co_return refusal(503, obstacle);
  OperatorReply reply;
  reply.status = 202;
  reply.body = "{\"msg\":\"loading\",\"model\":" + json_string(model->id) + "}";
  co_return reply;
}

/// A configuration with errors is not taken: 422, with all that is wrong.
OperatorReply reload(Proxy& proxy) {
  const Reloaded outcome = proxy.reload();
  JsonWriter json;
  const auto write = [&](std::string_view key, const std::vector<std::string>& list) {
    json.key(key);
    json.begin_array();
    for (const std::string& text : list) json.value(text);
    json.end_array();
  };
  json.begin_object();
  json.member("ok", outcome.ok);
  write("replaced", outcome.replaced);
  write("problems", outcome.problems);
  json.end_object();
  return {outcome.ok ? 200 : 422, "application/json", json.take()};
}

/// {"name": "x"}; null or "" for none.
OperatorReply activate_profile(const std::string& body, Proxy& proxy) {
  simdjson::dom::parser parser;
  simdjson::dom::element name;
  const simdjson::padded_string text(body);
  if (parser.parse(text).at_key("name").get(name) != simdjson::SUCCESS) {
    return refusal(400, "expected a JSON object with a \"name\"");
  }
  std::string_view profile;
  if (!name.is_null() && name.get(profile) != simdjson::SUCCESS) {
    return refusal(400, "\"name\" must be a text or null");
  }
  if (!proxy.names.activate(std::string(profile))) {
    return refusal(404, "no profile is called \"" + for_log(profile) + "\"");
  }
  spdlog::info("the active profile is {}", profile.empty() ? "none" : profile);
  publish_profile(proxy);
  JsonWriter json;
  json.begin_object();
  write_active_profile(json, proxy);
  json.end_object();
  return {200, "application/json", json.take()};
}

/// "ID/cancel"
OperatorReply cancel(const std::string& argument, Proxy& proxy) {
  const std::size_t slash = std::min(argument.find('/'), argument.size());
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(argument.data(), argument.data() + slash, id);
  const bool is_cancel = argument.substr(slash) == "/cancel";
  if (!is_cancel || error != std::errc{} || end != argument.data() + slash) {
    return refusal(404, "there is nothing at /api/inflight/" + for_log(argument));
  }
  if (!proxy.recorder.in_flight.cancel(id)) {
    return refusal(404, fmt::format("no request {} is on its way", id));
  }
  spdlog::info("request {} was cancelled through the API", id);
  return {200, "application/json", R"({"msg":"ok"})"};
}

/// "NAME/wake"
OperatorReply wake(const std::string& argument, const RequestHead& request, Proxy& proxy) {
  constexpr std::string_view kVerb = "/wake";
  if (!argument.ends_with(kVerb)) {
    return refusal(404, "there is nothing at /api/peers/" + for_log(argument));
  }
  const std::string name = argument.substr(0, argument.size() - kVerb.size());
  const std::shared_ptr<Peer> peer = proxy.peers.find_peer(name);
  if (!peer) return refusal(404, "no peer is called \"" + for_log(name) + "\"");
  if (!peer->can_wake()) {
    return refusal(409, fmt::format("peer {} has no wake: in the configuration", name));
  }
  Waker who;
  who.agent = request.fields.find("user-agent").value_or("");
  peer->wake(std::move(who));
  JsonWriter json;
  json.begin_object();
  json.member("peer", name);
  json.member("state", core::peer::to_string(peer->view().phase));
  json.end_object();
  return {202, "application/json", json.take()};
}

OperatorReply capture(const std::string& argument, Proxy& proxy) {
  std::int64_t id = 0;
  const char* const last = argument.data() + argument.size();
  const auto [end, error] = std::from_chars(argument.data(), last, id);
  if (error != std::errc{} || end != last) return refusal(400, "a capture has a number");
  std::string json = proxy.recorder.captures.json(id);
  if (json.empty()) return refusal(404, fmt::format("nothing was captured of request {}", id));
  return {200, "application/json", std::move(json)};
}

Task<OperatorReply> activity(const RequestHead& request, Proxy& proxy) {
  auto parsed = parse_activity_query(request.query());
  if (const auto* wrong = std::get_if<std::string>(&parsed)) co_return refusal(400, *wrong);
  ActivityQuery query = std::get<ActivityQuery>(std::move(parsed));
  const std::optional<ActivityPage> page = co_await proxy.recorder.store().page(std::move(query));
  if (!page) co_return refusal(503, "the history was asked for too late");
  if (!page->fault.empty()) co_return refusal(500, "the history: " + page->fault);
  co_return OperatorReply{200, "application/json", to_json(*page)};
}

Task<OperatorReply> stats(const RequestHead& request, Proxy& proxy) {
  std::string model = wire::query_value(request.query(), "model").value_or("");
  const std::optional<ActivityStats> found =
      co_await proxy.recorder.store().stats(std::move(model));
  if (!found) co_return refusal(503, "the history was asked for too late");
  if (!found->fault.empty()) co_return refusal(500, "the history: " + found->fault);
  co_return OperatorReply{200, "application/json", to_json(*found)};
}

Task<OperatorReply> metrics(Proxy& proxy) {
  std::string text = metrics_text(proxy);
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

OperatorReply explain(const std::string& name, Proxy& proxy) {
  auto text = explain_text(proxy, name);
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
      co_return OperatorReply{200, "application/json", running_text(proxy)};
    case wire::RouteId::Queue:
      co_return OperatorReply{200, "application/json", queue_text(proxy)};
    case wire::RouteId::Explain:
      co_return OperatorReply{200, "application/json", explain_text(proxy)};
    case wire::RouteId::ExplainOne:
      co_return explain(match.argument, proxy);
    case wire::RouteId::Load:
      co_return co_await load(match.argument, proxy);
    case wire::RouteId::UnloadOne:
      co_return co_await unload(match.argument, true, wanted_unload(request, body), proxy);
    case wire::RouteId::UnloadAll:
      co_return co_await unload(std::nullopt, request.method == "GET", wanted_unload(request, body),
                                proxy);
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
      co_return co_await metrics(proxy);
    case wire::RouteId::Performance:
      co_return co_await performance(request, proxy);
    case wire::RouteId::Hardware:
      co_return co_await hardware(proxy);
    case wire::RouteId::Activity:
      co_return co_await activity(request, proxy);
    case wire::RouteId::Stats:
      co_return co_await stats(request, proxy);
    case wire::RouteId::Capture:
      co_return capture(match.argument, proxy);
    case wire::RouteId::Cancel:
      co_return cancel(match.argument, proxy);
    case wire::RouteId::Profiles:
      co_return OperatorReply{200, "application/json", profiles_text(proxy)};
    case wire::RouteId::ActivateProfile:
      co_return activate_profile(body, proxy);
    case wire::RouteId::Peers:
      co_return OperatorReply{200, "application/json", peers_text(proxy.peers)};
    case wire::RouteId::WakePeer:
      co_return wake(match.argument, request, proxy);
    case wire::RouteId::Wakes:
      co_return OperatorReply{200, "application/json", proxy.peers.ledger().json()};
    case wire::RouteId::Reload:
      co_return reload(proxy);
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
    LogRing* ring = find_log(match.argument, proxy);
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
    co_await stream_events(client, request, proxy);
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
