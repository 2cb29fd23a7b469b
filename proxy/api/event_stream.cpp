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

std::string snapshot_json(const Proxy& proxy) {
  JsonWriter json;
  json.begin_object();
  json.member("operation", "snapshot");
  json.key("requests");
  json.begin_array();
  for (const auto& [id, entry] : proxy.recorder.in_flight.entries()) json.raw(entry->json());
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

/// What a listener gets first.
std::string greeting(const Proxy& proxy) {
  return EventHub::frame("logData", log_json("proxy", proxy.logs.proxy.text())) +
         EventHub::frame("logData", log_json("upstream", proxy.logs.upstream.text())) +
         EventHub::frame("modelStatus", model_status_json(proxy)) +
         EventHub::frame("uiConfig", ui_json(proxy)) +
         EventHub::frame("profileChanged", profile_json(proxy)) +
         EventHub::frame("inflight", snapshot_json(proxy));
}

void write_event_capabilities(JsonWriter& json, const wire::Capabilities& can) {
  wire::write_abilities(json, can);
  if (can.context > 0) json.member("context_length", can.context);
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

std::string model_status_json(const Proxy& proxy) {
  JsonWriter json;
  json.begin_array();
  for (const auto& [id, model] : proxy.config->models) {
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
      json.begin_object();
      json.member("id", peer->name() + "/" + model);
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

void publish_models(Proxy& proxy) {
  if (!proxy.recorder.events.has_listeners()) return;
  proxy.recorder.events.publish("modelStatus", model_status_json(proxy));
}

void publish_profile(Proxy& proxy) {
  proxy.recorder.events.publish("profileChanged", profile_json(proxy));
  publish_models(proxy);
}

void publish_changes(Proxy& proxy) {
  proxy.recorder.in_flight.on_change([&proxy](const InFlight::Entry& entry, bool removed) {
    if (proxy.recorder.events.has_listeners())
      proxy.recorder.events.publish("inflight", change_json(entry, removed));
  });
  proxy.peers.on_change([&proxy] { publish_models(proxy); });
  proxy.capabilities.on_change([&proxy] { publish_models(proxy); });
}

Task<void> stream_events(HttpStream& client, const RequestHead& request, Proxy& proxy) {
  ResponseHead head = own_head(200, "text/event-stream");
  head.fields.add("cache-control", "no-cache");
  head.fields.add("x-accel-buffering", "no");
  head.framing = request.version == 10 ? Framing::UntilClose : Framing::Chunked;
  head.keep_alive = false;

  const auto executor = co_await asio::this_coro::executor;
  SteadyTimer bell(executor);
  bool gone = false;
  EventHub::Listener listener(proxy.recorder.events, [&bell] { bell.cancel(); });
  const LogRing::Follow proxy_log = proxy.logs.proxy.follow([&](std::string_view bytes) {
    listener.add(EventHub::frame("logData", log_json("proxy", bytes)));
  });
  const LogRing::Follow engine_log = proxy.logs.upstream.follow([&](std::string_view bytes) {
    listener.add(EventHub::frame("logData", log_json("upstream", bytes)));
  });
  client.on_gone([&] {
    gone = true;
    bell.cancel();
  });
  std::string piece = greeting(proxy);
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
