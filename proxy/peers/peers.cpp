#include "proxy/peers/peers.hpp"

#include "base/async/use_task.hpp"

#include <algorithm>
#include <utility>

namespace rouse {

namespace {

void add_filters(const Filters& more, Filters& filters) {
  const auto append = [](const auto& from, auto& to) {
    to.insert(to.end(), from.begin(), from.end());
  };
  append(more.strip_params, filters.strip_params);
  append(more.set_params_by_match, filters.set_params_by_match);
  append(more.set_params, filters.set_params);
  for (const auto& [name, params] : more.set_params_by_id) {
    append(params, filters.set_params_by_id[name]);
  }
}

/// What an exchange needs to know of @p model at @p peer.
std::shared_ptr<const ModelConfig> model_at(const Peer& peer, const std::string& model,
                                            const Config& config_here) {
  const PeerConfig& config = peer.config();
  auto made = std::make_shared<ModelConfig>();
  made->id = peer.name() + "/" + model;
  made->peer = peer.name();
  made->use_model_name = model;
  made->filters = config.filters;
  if (const auto own = config_here.peer_models.find(model); own != config_here.peer_models.end()) {
    add_filters(own->second.filters, made->filters);
  }
  made->timeouts = config.timeouts;
  made->endpoint = config.endpoint;
  return made;
}

}  // namespace

Peers::Peers(std::shared_ptr<const Config> config, TaskGroup& tasks, HttpPool& pool,
             StreamDeadlines& deadlines, PeerMetrics& metrics, const std::string& dir)
    : world_{tasks,   pool,    deadlines,
             metrics, ledger_, decisions_,
             dir,     nullptr, [this] { became_idle_.cancel(); }},
      became_idle_(tasks.executor(), SteadyTimer::time_point::max()) {
  adopt(std::move(config));
}

Peers::~Peers() = default;

void Peers::adopt(std::shared_ptr<const Config> config) {
  config_ = std::move(config);
  std::erase_if(retired_, [](const auto& peer) { return peer->is_idle(); });
  for (auto it = peers_.begin(); it != peers_.end();) {
    const auto found = config_->peers.find(it->first);
    if (found != config_->peers.end()) {
      it->second->adopt(found->second);
      ++it;
    } else {
      it->second->retire("was removed from the configuration");
      retired_.push_back(std::move(it->second));
      it = peers_.erase(it);
    }
  }
  for (const auto& [name, entry] : config_->peers) {
    if (!peers_.contains(name)) peers_.emplace(name, std::make_shared<Peer>(name, entry, world_));
  }
}

void Peers::stop() {
  for (const auto& [name, peer] : peers_) {
    peer->retire("is not asked any more: the proxy is shutting down");
    retired_.push_back(peer);
  }
}

Task<void> Peers::shut_down() {
  const auto is_busy = [](const std::shared_ptr<Peer>& peer) { return !peer->is_idle(); };
  while (std::any_of(retired_.begin(), retired_.end(), is_busy)) {
    became_idle_.expires_at(SteadyTimer::time_point::max());
    co_await became_idle_.async_wait(use_task);
  }
}

void Peers::shut_down_now() {
  for (const std::shared_ptr<Peer>& peer : retired_) peer->cut();
}

std::vector<std::string> Peers::models_of(const Peer& peer) {
  std::vector<std::string> models = peer.config().models;
  if (!peer.config().learns_models) return models;
  for (const std::string& learned : peer.memory().models) {
    if (std::find(models.begin(), models.end(), learned) == models.end()) {
      models.push_back(learned);
    }
  }
  return models;
}

std::vector<std::shared_ptr<Peer>> Peers::all() const {
  std::vector<std::shared_ptr<Peer>> list;
  for (const auto& [name, peer] : peers_) list.push_back(peer);
  std::sort(list.begin(), list.end(),
            [](const auto& a, const auto& b) { return a->config().order < b->config().order; });
  return list;
}

std::shared_ptr<Peer> Peers::find_peer(std::string_view name) const {
  const auto it = peers_.find(name);
  return it == peers_.end() ? nullptr : it->second;
}

std::vector<Peers::Offer> Peers::find(std::string_view name) const {
  std::vector<Offer> offers;
  const std::string_view name_there = config_->name_at_peers(name);
  for (const std::shared_ptr<Peer>& peer : all()) {
    for (const std::string& model : models_of(*peer)) {
      // The whole name of one goes before the same text as a part of another's.
      if (name == peer->name() + "/" + model) return {{peer, model_at(*peer, model, *config_)}};
      if (name_there == model) offers.push_back({peer, model_at(*peer, model, *config_)});
    }
  }
  return offers;
}

}  // namespace rouse
