#include "proxy/peers/peers_view.hpp"

#include <chrono>

namespace rouse {

namespace {

using std::chrono::system_clock;

void write_models(JsonWriter& json, const Peer& peer, const PeersSees& sees) {
  json.key("models");
  json.begin_array();
  for (const std::string& model : Peers::models_of(peer)) {
    if (sees(peer.name() + "/" + model)) json.value(model);
  }
  json.end_array();
  const auto listed_at = peer.memory().listed_at;
  if (!peer.config().learns_models || listed_at == system_clock::time_point{}) return;
  const auto age = std::chrono::floor<std::chrono::seconds>(system_clock::now() - listed_at);
  json.member("models_age_s", static_cast<std::int64_t>(age.count()));
}

void write_peer(JsonWriter& json, const Peer& peer, const WakeLedger& ledger,
                const PeersSees& sees) {
  const core::peer::View view = peer.view();
  json.begin_object();
  json.member("name", peer.name());
  json.member("proxy", peer.config().proxy);
  json.member("state", core::peer::to_string(view.phase));
  json.member("reason", view.reason);
  json.member("since_ms", static_cast<std::int64_t>((peer.now() - view.since).count()));
  json.member("service_down", view.service_down);
  json.member("can_wake", peer.can_wake());
  json.member("waiting", static_cast<std::int64_t>(view.waiting));
  json.member("held_bytes", static_cast<std::int64_t>(view.held_bytes));
  if (view.retry_at) {
    const core::Duration left = std::max(*view.retry_at - peer.now(), core::Duration{0});
    json.member("retry_in_ms", static_cast<std::int64_t>(left.count()));
  }
  if (view.gives_up_at) {
    const core::Duration left = std::max(*view.gives_up_at - peer.now(), core::Duration{0});
    json.member("gives_up_in_ms", static_cast<std::int64_t>(left.count()));
  }
  if (view.phase == core::peer::Phase::Waking) json.member("volleys", view.volleys);
  if (view.failures > 0) json.member("failures", view.failures);
  if (view.heard_at) {
    json.member("heard_ms", static_cast<std::int64_t>((peer.now() - *view.heard_at).count()));
  }
  if (const auto& asked = peer.last_asked()) {
    json.member("asked_ms", static_cast<std::int64_t>((peer.now() - asked->at).count()));
    json.member("answer", asked->answer);
  }
  json.key("last_wake");
  const Wake* const wake = ledger.last_of(peer.name());
  if (wake != nullptr && (wake->by.model.empty() || sees(wake->by.model))) {
    write_wake(json, *wake);
  } else {
    json.null();
  }
  json.key("macs");
  json.begin_array();
  for (const std::string& mac : peer.macs()) json.value(mac);
  json.end_array();
  write_models(json, peer, sees);
  json.end_object();
}

}  // namespace

std::vector<wire::ModelEntry> peer_entries(const Peers& peers) {
  std::vector<wire::ModelEntry> entries;
  for (const std::shared_ptr<Peer>& peer : peers.all()) {
    JsonWriter more;
    more.begin_object();
    more.member("peerID", peer->name());
    more.member("peerState", core::peer::to_string(peer->view().phase));
    more.end_object();
    std::string members = more.take();
    members = members.substr(1, members.size() - 2);
    for (const std::string& model : Peers::models_of(*peer)) {
      wire::ModelEntry entry;
      entry.id = peer->name() + "/" + model;
      entry.name = peer->name() + ": " + model;
      entry.type = "peer";
      entry.more_json = members;
      entry.can = peer->capabilities(model);
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

void write_peers(JsonWriter& json, const Peers& peers, const PeersSees& sees) {
  json.begin_array();
  for (const std::shared_ptr<Peer>& peer : peers.all()) {
    write_peer(json, *peer, peers.ledger(), sees);
  }
  json.end_array();
}

std::string peers_text(const Peers& peers, const PeersSees& sees) {
  JsonWriter json;
  json.begin_object();
  json.key("peers");
  write_peers(json, peers, sees);
  json.end_object();
  return json.take();
}

}  // namespace rouse
