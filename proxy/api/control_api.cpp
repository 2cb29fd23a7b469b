#include "proxy/api/control_api.hpp"

#include "base/service/log.hpp"
#include "base/text/json_writer.hpp"
#include "proxy/api/event_stream.hpp"
#include "proxy/api/queue_view.hpp"
#include "proxy/wire/query.hpp"

#include <fmt/format.h>
#include <simdjson.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace rouse {

namespace {

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

/// The model that @p caller may use by @p name; null: there is none.
const ModelConfig* find_usable(const std::string& name, const Caller& caller, const Proxy& proxy) {
  const ModelConfig* const model = proxy.config->find_model(name);
  const bool may = model != nullptr && proxy.keys.may_use(caller, model->id, name);
  return may ? model : nullptr;
}

OperatorReply unknown_model(const std::string& name, const Caller& caller, const Proxy& proxy) {
  return refusal(404, unknown_model_text(*proxy.config, name, proxy.keys.usable_by(caller)));
}

/// What is unloaded by "all": of a key for some models, those. nullopt stands for all there are.
std::vector<std::optional<std::string>> all_of(const Caller& caller, const Proxy& proxy) {
  if (proxy.keys.may_use_all(caller)) return {std::nullopt};
  std::vector<std::optional<std::string>> models;
  for (const auto& [id, model] : proxy.config->models) {
    if (proxy.keys.may_see(caller, id)) models.emplace_back(id);
  }
  return models;
}

Task<OperatorReply> unload(std::vector<std::optional<std::string>> models, bool plain_ok,
                           core::UnloadWanted wanted, Proxy& proxy) {
  for (const std::optional<std::string>& id : models) {
    spdlog::info("unload of {} asked for{}", id ? *id : "all models",
                 wanted.at_once ? ", at once" : "");
    wanted.model = id;
    proxy.dispatcher.unload(wanted);
  }
  for (const std::optional<std::string>& id : models) co_await proxy.dispatcher.unloaded(id);
  OperatorReply reply;
  if (plain_ok) {
    reply.type = "text/plain; charset=utf-8";
    reply.body = "OK";
  } else {
    reply.body = R"({"msg":"ok"})";
  }
  co_return reply;
}

Task<OperatorReply> unload_one(const std::string& name, core::UnloadWanted wanted,
                               const Caller& caller, Proxy& proxy) {
  const ModelConfig* const model = find_usable(name, caller, proxy);
  if (model == nullptr) co_return unknown_model(name, caller, proxy);
  std::vector<std::optional<std::string>> models{model->id};
  co_return co_await unload(std::move(models), true, std::move(wanted), proxy);
}

Task<OperatorReply> load(const std::string& name, const Caller& caller, Proxy& proxy) {
  const std::shared_ptr<const Config> config = proxy.config;  // a reload must not take it away
  const ModelConfig* const model = find_usable(name, caller, proxy);
  if (model == nullptr) co_return unknown_model(name, caller, proxy);
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
OperatorReply cancel(const std::string& argument, const Caller& caller, Proxy& proxy) {
  const std::size_t slash = std::min(argument.find('/'), argument.size());
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(argument.data(), argument.data() + slash, id);
  const bool is_cancel = argument.substr(slash) == "/cancel";
  if (!is_cancel || error != std::errc{} || end != argument.data() + slash) {
    return refusal(404, "there is nothing at /api/inflight/" + for_log(argument));
  }
  const auto& entries = proxy.recorder.in_flight.entries();
  const auto entry = entries.find(id);
  const bool may = entry != entries.end() && (proxy.keys.may_see(caller, entry->second->model()) ||
                                              entry->second->client() == caller.name);
  if (!may || !proxy.recorder.in_flight.cancel(id)) {
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

}  // namespace

Task<OperatorReply> answer_control(const RequestHead& request, const wire::RouteMatch& match,
                                   const std::string& body, const Caller& caller, Proxy& proxy) {
  using wire::RouteId;
  const RouteId id = match.route->id;
  if (id == RouteId::Load) co_return co_await load(match.argument, caller, proxy);
  if (id == RouteId::UnloadOne) {
    co_return co_await unload_one(match.argument, wanted_unload(request, body), caller, proxy);
  }
  if (id == RouteId::UnloadAll) {
    const bool plain_ok = request.method == "GET";
    co_return co_await unload(all_of(caller, proxy), plain_ok, wanted_unload(request, body), proxy);
  }
  if (id == RouteId::Cancel) co_return cancel(match.argument, caller, proxy);
  if (id == RouteId::ActivateProfile) co_return activate_profile(body, proxy);
  if (id == RouteId::WakePeer) co_return wake(match.argument, request, proxy);
  co_return reload(proxy);
}

}  // namespace rouse
