#include "proxy/api/event_stream.hpp"

#include "base/async/use_task.hpp"
#include "base/text/json_writer.hpp"
#include "proxy/api/queue_view.hpp"
#include "proxy/wire/capabilities_json.hpp"
#include "proxy/wire/refusal.hpp"

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <chrono>
#include <utility>
#include <vector>

namespace rouse {

namespace {

constexpr auto kComment = std::chrono::seconds(20);

std::string log_json(std::string_view source, std::string_view text) {
  JsonWriter json;
  json.begin_object();
  json.member("source", source);
  json.member("data", text);
  json.end_object();
  return json.take();
}

std::string snapshot_json(const Proxy& proxy, const EventHub::Sees& sees) {
  JsonWriter json;
  json.begin_object();
  json.member("operation", "snapshot");
  json.key("requests");
  json.begin_array();
  for (const auto& [id, entry] : proxy.recorder.in_flight.entries()) {
    if (sees(entry->model())) json.raw(entry->json());
  }
  json.end_array();
  json.end_object();
  return json.take();
}

std::string ui_json(const Proxy& proxy) {
  JsonWriter json;
  json.begin_object();
  json.key("activity");
  json.begin_object();
  json.key("session_id");
  json.begin_array();
  for (const std::string& name : proxy.config->activity_session_id) json.value(name);
  json.end_array();
  json.end_object();
  json.end_object();
  return json.take();
}

std::string profile_json(const Proxy& proxy) {
  JsonWriter json;
  json.begin_object();
  write_active_profile(json, proxy);
  json.end_object();
  return json.take();
}

void write_event_capabilities(JsonWriter& json, const wire::Capabilities& can) {
  wire::write_abilities(json, can);
  if (can.context > 0) json.member("context_length", can.context);
}

/// Of every model that @p sees; null: of all.
std::string model_status_json(const Proxy& proxy, const EventHub::Sees& sees) {
  JsonWriter json;
  json.begin_array();
  for (const auto& [id, model] : proxy.config->models) {
    if (sees && !sees(id)) continue;
    json.begin_object();
    json.member("id", id);
    json.member("name", model.name);
    json.member("description", model.description);
    json.member("state", state_name(proxy.dispatcher.engine_state(id)));
    json.member("unlisted", model.unlisted);
    json.member("peerID", "");
    if (!model.aliases.empty()) {
      json.key("aliases");
      json.begin_array();
      for (const std::string& alias : model.aliases) json.value(alias);
      json.end_array();
    }
    write_event_capabilities(json, proxy.capabilities.of(id));
    json.end_object();
  }
  for (const std::shared_ptr<Peer>& peer : proxy.peers.all()) {
    for (const std::string& model : Peers::models_of(*peer)) {
      const std::string id = peer->name() + "/" + model;
      if (sees && !sees(id)) continue;
      json.begin_object();
      json.member("id", id);
      json.member("name", "");
      json.member("description", "");
      json.member("state", "");
      json.member("unlisted", false);
      json.member("peerID", peer->name());
      json.member("peerState", core::peer::to_string(peer->view().phase));
      write_event_capabilities(json, peer->capabilities(model));
      json.end_object();
    }
  }
  json.end_array();
  return json.take();
}

/// The logs that a listener reads: those of everything, or of the engines that it may know of.
struct ListenedLog {
  std::string_view source;
  LogRing* ring;
};
std::vector<ListenedLog> logs_for(const Caller& caller, Proxy& proxy) {
  if (proxy.keys.may_use_all(caller)) {
    return {{"proxy", &proxy.logs.proxy}, {"upstream", &proxy.logs.upstream}};
  }
  std::vector<ListenedLog> logs;
  for (const auto& [id, model] : proxy.config->models) {
    LogRing* const ring = proxy.dispatcher.engine_log(id);
    if (ring != nullptr && proxy.keys.may_see(caller, id)) logs.push_back({"upstream", ring});
  }
  return logs;
}

/// What a listener gets first.
std::string greeting(const Proxy& proxy, const std::vector<ListenedLog>& logs,
                     const EventHub::Sees& sees) {
  std::string text;
  for (const ListenedLog& log : logs) {
    text += EventHub::frame("logData", log_json(log.source, log.ring->text()));
  }
  return text + EventHub::frame("modelStatus", model_status_json(proxy, sees)) +
         EventHub::frame("uiConfig", ui_json(proxy)) +
         EventHub::frame("profileChanged", profile_json(proxy)) +
         EventHub::frame("inflight", snapshot_json(proxy, sees));
}

std::string change_json(const InFlight::Entry& entry, bool removed) {
  JsonWriter json;
  json.begin_object();
  json.member("operation", removed ? "remove" : "upsert");
  if (removed) {
    json.member("id", std::to_string(entry.id()));
  } else {
    json.key("request");
    json.raw(entry.json());
  }
  json.end_object();
  return json.take();
}

}  // namespace

void publish_models(Proxy& proxy) {
  proxy.recorder.events.publish_each("modelStatus", [&proxy](const EventHub::Sees& sees) {
    return model_status_json(proxy, sees);
  });
}

void publish_profile(Proxy& proxy) {
  proxy.recorder.events.publish("profileChanged", profile_json(proxy));
  publish_models(proxy);
}

void publish_changes(Proxy& proxy) {
  proxy.recorder.in_flight.on_change([&proxy](const InFlight::Entry& entry, bool removed) {
    if (proxy.recorder.events.has_listeners())
      proxy.recorder.events.publish_of(entry.model(), "inflight", change_json(entry, removed));
  });
  proxy.peers.on_change([&proxy] { publish_models(proxy); });
  proxy.capabilities.on_change([&proxy] { publish_models(proxy); });
}

Task<void> stream_events(HttpStream& client, const RequestHead& request, Proxy& proxy,
                         Caller caller) {
  ResponseHead head = own_head(200, "text/event-stream");
  head.fields.add("cache-control", "no-cache");
  head.fields.add("x-accel-buffering", "no");
  head.framing = request.version == 10 ? Framing::UntilClose : Framing::Chunked;
  head.keep_alive = false;

  const auto executor = co_await asio::this_coro::executor;
  SteadyTimer bell(executor);
  bool gone = false;
  const EventHub::Sees sees = proxy.keys.seen_by(caller);
  EventHub::Listener listener(
      proxy.recorder.events, [&bell] { bell.cancel(); }, sees);
  const std::vector<ListenedLog> logs = logs_for(caller, proxy);
  std::vector<LogRing::Follow> follows;
  for (const ListenedLog& log : logs) {
    follows.push_back(log.ring->follow([&listener, source = log.source](std::string_view bytes) {
      listener.add(EventHub::frame("logData", log_json(source, bytes)));
    }));
  }
  client.on_gone([&] {
    gone = true;
    bell.cancel();
  });
  std::string piece = greeting(proxy, logs, sees);
  Result<void> sent = co_await client.write_response(head, piece, true);
  while (sent && !gone) {
    if (!listener.has_events()) {
      bell.expires_after(kComment);
      const auto [woken] = co_await bell.async_wait(use_task);
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) break;
      if (!woken) listener.add(": \n\n");
      continue;
    }
    piece = listener.take();
    sent = co_await client.write_body(piece, true);
  }
  client.on_gone(nullptr);
  if (sent && !gone) sent = co_await client.write_body(std::string_view(), false);
}

}  // namespace rouse
