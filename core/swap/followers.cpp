#include "core/swap/followers.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace rouse::core {

namespace {

constexpr std::size_t kFollowersMax = 16;
constexpr std::size_t kClientsMax = 1'024;
/// Requests that are in flight together for longer are of several.
constexpr Duration kTogether{100};
/// So long somebody who was seen to be several counts as that.
constexpr Duration kSeveralFor{600'000};
/// Less than this part of a reload is not worth anybody's patience.
constexpr double kWorthIt = 0.1;
/// Who has not come although nearly all gaps were shorter does not come any more.
constexpr double kGone = 0.02;

/// Somebody who may ask next.
struct Coming {
  const Gaps* gaps;
  Duration gone{0};   // since the last request of theirs, when the model became idle
  double beyond = 1;  // how likely it was that it had not come by then
};

/// For how long to wait for them, so that the time that passes, and @p cost if nobody comes, are
/// the least that is to be expected.
Duration least_spent(std::span<const Coming> coming, Duration cost) {
  Duration best{0};
  double least = static_cast<double>(cost.count()) * (1 - kWorthIt);
  double waited = 0;
  double nobody = 1;
  Duration before{0};
  const auto try_until = [&](Duration until) {
    waited += nobody * static_cast<double>((until - before).count());
    before = until;
    nobody = 1;
    for (const Coming& each : coming) nobody *= each.gaps->beyond(each.gone + until) / each.beyond;
    const double spent = waited + nobody * static_cast<double>(cost.count());
    if (spent >= least) return;
    least = spent;
    best = until;
  };
  for (std::size_t i = 0; i < Gaps::kBounds && Gaps::bound(i) < cost; ++i) {
    try_until(Gaps::bound(i));
  }
  if (cost > Duration{0}) try_until(cost);
  return best;
}

}  // namespace

// --- Clients -------------------------------------------------------------------------------------

void Clients::came(const Caller& caller, Instant now) {
  ++waiting_connections_[caller.connection];
  if (clients_.size() >= kClientsMax) forget(now);
  Presence& presence = clients_[caller.client];
  ++presence.waiting;
  if (presence.in_flight() == 2) presence.together_since = now;
}

void Clients::admitted(const Caller& caller) {
  const auto connection = waiting_connections_.find(caller.connection);
  if (--connection->second == 0) waiting_connections_.erase(connection);
  Presence& presence = clients_[caller.client];
  --presence.waiting;
  ++presence.running;
}

void Clients::left(const Caller& caller, bool was_admitted, Instant now) {
  if (!was_admitted) admitted(caller);
  Presence& presence = clients_[caller.client];
  if (presence.in_flight() > 1 && now - presence.together_since > kTogether) {
    presence.several_at = now;
  }
  --presence.running;
  if (presence.in_flight() == 0 && presence.several_at == Instant::min()) {
    clients_.erase(caller.client);
  }
}

void Clients::forget(Instant now) {
  std::erase_if(clients_, [&](const auto& each) {
    const Presence& presence = each.second;
    return presence.in_flight() == 0 && after(presence.several_at, kSeveralFor) < now;
  });
}

bool Clients::may_ask(const Caller& caller, Instant now) const {
  if (caller.client == 0) return true;
  if (caller.connection != 0 && waiting_connections_.contains(caller.connection)) return false;
  const auto it = clients_.find(caller.client);
  if (it == clients_.end() || it->second.waiting == 0 || it->second.in_flight() > 1) return true;
  const Instant several = it->second.several_at;
  return several != Instant::min() && now < after(several, kSeveralFor);
}

// --- Followers -----------------------------------------------------------------------------------

Followers::Follower& Followers::follower(const Caller& caller) {
  const auto it = std::find_if(known_.begin(), known_.end(), [&](const Follower& each) {
    return each.caller.client == caller.client;
  });
  if (it != known_.end()) return *it;
  if (known_.size() >= kFollowersMax) {
    const auto oldest =
        std::min_element(known_.begin(), known_.end(), [](const Follower& a, const Follower& b) {
          return std::pair(a.in_flight > 0, a.ended) < std::pair(b.in_flight > 0, b.ended);
        });
    if (oldest->has_ended) usual_.add_never();
    known_.erase(oldest);
  }
  known_.push_back({caller, 0, false, {}, Gaps::like(usual_)});
  return known_.back();
}

bool Followers::knows(const Caller& caller) const {
  return std::any_of(known_.begin(), known_.end(),
                     [&](const Follower& each) { return each.caller.client == caller.client; });
}

void Followers::came(const Caller& caller, Instant now, const Instant* idle_since) {
  if (idle_since != nullptr) {
    if (knows(caller)) {
      strangers_.add_never();
    } else {
      strangers_.add(now - *idle_since);
    }
  }
  Follower& it = follower(caller);
  it.caller = caller;
  if (it.in_flight++ > 0 || !it.has_ended) return;
  it.gaps.add(now - it.ended);
  usual_.add(now - it.ended);
}

void Followers::left(const Caller& caller, Instant now, bool was_served) {
  Follower& it = follower(caller);
  it.in_flight = std::max(0, it.in_flight - 1);
  if (!was_served) return;
  it.ended = now;
  it.has_ended = true;
}

Stay Followers::worth(Duration cost, Instant idle_since, bool was_used, const Clients& clients,
                      Instant now) const {
  std::vector<Coming> coming{{&strangers_}};
  if (!was_used) coming.push_back({&usual_});
  bool is_away = false;
  for (const Follower& each : known_) {
    if (!each.has_ended) continue;
    if (!clients.may_ask(each.caller, now)) {
      is_away = true;
      continue;
    }
    const Duration gone = std::max(idle_since - each.ended, Duration{0});
    const double beyond = each.gaps.beyond(gone);
    if (beyond > kGone) coming.push_back({&each.gaps, gone, beyond});
  }
  Stay stay;
  stay.length = least_spent(coming, cost);
  if (stay.length > Duration{0}) {
    stay.why = Stay::Why::Expected;
  } else if (coming.size() > 1) {
    stay.why = Stay::Why::ComesLate;
  } else if (is_away) {
    stay.why = Stay::Why::WaitsElsewhere;
  }
  return stay;
}

bool Followers::are_brief(Duration cost) const {
  const Coming usual{&usual_};
  return least_spent({&usual, 1}, cost) == Duration{0};
}

}  // namespace rouse::core
