#include "core/scheduler.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace rouse::core {

namespace {

/// Who is served first: priority, then the longest wait.
struct Turn {
  int priority = 0;
  Instant since;
  Ticket ticket{};

  friend bool operator<(const Turn& a, const Turn& b) {
    return std::tuple(-a.priority, a.since, a.ticket) < std::tuple(-b.priority, b.since, b.ticket);
  }
};

struct Model {
  ModelPolicy policy;
  EngineState state = EngineState::Stopped;  // never Failed: that is Stopped with a retry_at
  Instant since;                             // when it entered that state
  int running = 0;
  std::set<Turn> waiting;
  std::set<std::pair<Instant, Ticket>> by_age;  // the same, oldest first
  std::optional<Instant> wished;                // an operator's load, since
  bool draining = false;                        // somebody elsewhere waited too long
  bool claimed = false;                         // room is being made for it
  std::optional<Instant> unload_by;             // an operator's unload, at the latest
  Instant last_used;                            // the end of the last request, or ready
  Instant unwanted_since;                       // while starting: since when nobody waits
  int failures = 0;                             // in a row
  std::optional<Instant> retry_at;
  std::string last_failure;

  [[nodiscard]] bool is_wanted() const { return !waiting.empty() || wished; }
  [[nodiscard]] bool is_resident() const { return state != EngineState::Stopped; }
  [[nodiscard]] Instant wanted_since() const {
    Instant at = Instant::max();
    if (wished) at = *wished;
    if (!by_age.empty()) at = std::min(at, by_age.begin()->first);
    return at;
  }
};

std::string in_seconds(Duration d) {
  const auto tenths = std::chrono::duration_cast<std::chrono::duration<long, std::deci>>(d).count();
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

}  // namespace

struct Scheduler::State {
  struct Entry {
    Model* model = nullptr;
    const ModelId* id = nullptr;
    bool running = false;
    Turn turn;
  };
  /// A model that wants to start, and since when.
  struct Wish {
    const ModelId* id;
    Model* model;
    Instant since;
    bool overdue;
    int priority;
  };

  std::map<ModelId, Model, std::less<>> models;
  SchedulePolicy policy;
  std::shared_ptr<const Residency> residency;
  std::unordered_map<Ticket, Entry> entries;
  std::size_t waiting = 0;
  std::optional<Instant> shutdown_by;
  Instant now;
  std::vector<Action> out;
  std::optional<Instant> deadline;  // what settle() found, except ttl

  void on(const Arrived& e);
  void on(const Left& e);
  void on(const EngineReady& e);
  void on(const EngineGone& e);
  void on(const LoadWanted& e);
  void on(const UnloadWanted& e);
  void on(const ShutdownWanted& e);
  void on(const Tick&) {}

  void settle();
  void admit(const ModelId& id, Model& model);
  void expire();
  void stop_due(const ModelId& id, Model& model);
  void place(const Wish& wish, ModelSet& occupied, std::vector<const Wish*>& pending);
  bool may_leave(const ModelId& id, Model& victim, const Wish& wish);
  std::vector<Wish> wishes();
  void start(const ModelId& id, Model& model, std::string reason);
  void stop(const ModelId& id, Model& model, StopCause cause, std::string reason);
  void refuse(Ticket ticket, RefusalCause cause, std::string detail, Duration retry_after);
  void refuse_waiting(Model& model, RefusalCause cause, const std::string& detail,
                      Duration retry_after);
  void dequeue(Model& model, const Turn& turn);
  void wake_at(Instant at) { deadline = deadline ? std::min(*deadline, at) : at; }
  void enter(Model& model, EngineState state) {
    model.state = state;
    model.since = now;
  }
  [[nodiscard]] Duration backoff(int failures) const;
  [[nodiscard]] bool is_open(const Model& model) const {
    return model.failures >= policy.load_failures_max && model.retry_at && *model.retry_at > now;
  }
  [[nodiscard]] std::string next_step(const ModelId& id, const Model& model) const;
};

// --- events --------------------------------------------------------------------------------------

void Scheduler::State::on(const Arrived& e) {
  const auto it = models.find(e.model);
  if (it == models.end()) {
    return refuse(e.ticket, RefusalCause::UnknownModel, "no model is called " + e.model,
                  Duration{0});
  }
  Model& model = it->second;
  if (shutdown_by) {
    return refuse(e.ticket, RefusalCause::ShuttingDown, "rouse is shutting down", Duration{5'000});
  }
  if (is_open(model)) {
    const Duration left = *model.retry_at - now;
    return refuse(e.ticket, RefusalCause::CircuitOpen,
                  it->first + " failed " + std::to_string(model.failures) +
                      " times in a row; the next try is in " + in_seconds(left) +
                      ". Last failure: " + model.last_failure,
                  left);
  }
  if (waiting >= policy.queue_max) {
    return refuse(e.ticket, RefusalCause::QueueFull,
                  std::to_string(waiting) + " requests are waiting already", Duration{5'000});
  }
  const Turn turn{e.priority, now, e.ticket};
  entries.emplace(e.ticket, Entry{&model, &it->first, false, turn});
  model.waiting.insert(turn);
  model.by_age.emplace(now, e.ticket);
  ++waiting;
}

void Scheduler::State::on(const Left& e) {
  const auto it = entries.find(e.ticket);
  if (it == entries.end()) return;
  Model& model = *it->second.model;
  if (it->second.running) {
    --model.running;
    model.last_used = now;
    entries.erase(it);
    return;
  }
  const Turn turn = it->second.turn;
  dequeue(model, turn);
  if (!model.is_wanted()) {
    model.unwanted_since = now;
    model.claimed = false;
  }
}

void Scheduler::State::on(const EngineReady& e) {
  const auto it = models.find(e.model);
  if (it == models.end() || it->second.state != EngineState::Starting) return;
  Model& model = it->second;
  enter(model, EngineState::Ready);
  model.last_used = now;
  model.wished.reset();
  model.claimed = false;
}

void Scheduler::State::on(const EngineGone& e) {
  const auto it = models.find(e.model);
  if (it == models.end() || !it->second.is_resident()) return;
  Model& model = it->second;
  const EngineState was = model.state;
  const bool was_stable = was == EngineState::Ready && now - model.since >= policy.stable;
  enter(model, EngineState::Stopped);
  model.draining = false;
  model.unload_by.reset();
  if (was == EngineState::Stopping) return;
  model.last_failure = e.failure.empty() ? "it ended without being asked to" : e.failure;
  model.failures = was_stable ? 1 : model.failures + 1;
  const Duration pause = backoff(model.failures);
  model.retry_at = now + pause;
  model.wished.reset();
  model.claimed = false;
  // Who waits for a start that failed is told; who waits for an engine that crashed at work gets
  // another one, since its own request had no part in it.
  if (was == EngineState::Starting || is_open(model)) {
    refuse_waiting(model, RefusalCause::LoadFailed,
                   e.model + " could not be loaded: " + model.last_failure,
                   std::min(pause, policy.backoff_max));
  }
}

void Scheduler::State::on(const LoadWanted& e) {
  const auto it = models.find(e.model);
  if (it == models.end() || shutdown_by) return;
  Model& model = it->second;
  if (model.state == EngineState::Ready && !model.unload_by) return;
  if (!model.wished) model.wished = now;
}

void Scheduler::State::on(const UnloadWanted& e) {
  for (auto& [id, model] : models) {
    if (e.model && *e.model != id) continue;
    model.wished.reset();
    model.claimed = false;
    refuse_waiting(model, RefusalCause::Unloaded, id + " was unloaded by an operator",
                   Duration{1'000});
    if (model.state == EngineState::Starting) {
      stop(id, model, StopCause::Unloaded, "an operator unloads it while it loads");
    } else if (model.state == EngineState::Ready) {
      model.unload_by = now + model.policy.unload_drain;
    }
  }
}

void Scheduler::State::on(const ShutdownWanted&) {
  if (!shutdown_by) shutdown_by = now + policy.shutdown_drain;
  for (auto& [id, model] : models) {
    model.wished.reset();
    model.claimed = false;
    refuse_waiting(model, RefusalCause::ShuttingDown, "rouse is shutting down", Duration{5'000});
    if (model.state == EngineState::Starting) {
      stop(id, model, StopCause::Shutdown, "rouse is shutting down");
    }
  }
}

// --- what follows from an event ------------------------------------------------------------------

void Scheduler::State::settle() {
  deadline.reset();
  expire();
  for (auto& [id, model] : models) {
    stop_due(id, model);
    model.draining = false;  // decided anew below, as long as the one who waits is there
  }
  if (!shutdown_by) {
    ModelSet occupied;
    for (const auto& [id, model] : models) {
      if (model.is_resident()) occupied.insert(id);
    }
    const std::vector<Wish> ordered = wishes();
    std::vector<const Wish*> pending;
    for (const Wish& wish : ordered) place(wish, occupied, pending);
  }
  for (auto& [id, model] : models) {
    admit(id, model);
    if (model.state == EngineState::Ready && model.policy.ttl > Duration{0} && model.running == 0 &&
        model.waiting.empty()) {
      wake_at(model.last_used + model.policy.ttl);
    }
  }
}

void Scheduler::State::expire() {
  if (policy.give_up <= Duration{0}) return;
  for (auto& [id, model] : models) {
    while (!model.by_age.empty()) {
      const auto [since, ticket] = *model.by_age.begin();
      if (now < since + policy.give_up) {
        wake_at(since + policy.give_up);
        break;
      }
      const Turn turn = entries.at(ticket).turn;
      dequeue(model, turn);
      refuse(ticket, RefusalCause::TooLong,
             "waited " + in_seconds(now - since) + " for " + id + " (schedule.giveUp)",
             Duration{5'000});
    }
  }
}

/// Ends an engine for reasons of its own: shutdown, an operator's wish, a passed ttl.
void Scheduler::State::stop_due(const ModelId& id, Model& model) {
  if (model.state != EngineState::Ready) return;
  if (shutdown_by) {
    if (model.running == 0 || now >= *shutdown_by) {
      return stop(id, model, StopCause::Shutdown, "rouse is shutting down");
    }
    wake_at(*shutdown_by);
  }
  if (model.unload_by) {
    if (model.running == 0 || now >= *model.unload_by) {
      return stop(id, model, StopCause::Unloaded, "an operator unloads it");
    }
    wake_at(*model.unload_by);
  }
  const Duration ttl = model.policy.ttl;
  if (ttl > Duration{0} && model.running == 0 && model.waiting.empty() &&
      now >= model.last_used + ttl) {
    stop(id, model, StopCause::Idle, "idle for " + in_seconds(now - model.last_used));
  }
}

void Scheduler::State::admit(const ModelId& id, Model& model) {
  if (model.state != EngineState::Ready || model.draining || model.unload_by || shutdown_by) return;
  while (!model.waiting.empty() && model.running < model.policy.concurrency) {
    const Turn turn = *model.waiting.begin();
    model.waiting.erase(model.waiting.begin());
    model.by_age.erase({turn.since, turn.ticket});
    --waiting;
    ++model.running;
    entries.at(turn.ticket).running = true;
    // It has served: an earlier failure is forgiven once it has run for a while.
    if (now - model.since >= policy.stable) model.failures = 0;
    out.push_back(Admit{turn.ticket, id});
  }
}

std::vector<Scheduler::State::Wish> Scheduler::State::wishes() {
  std::vector<Wish> list;
  for (auto& [id, model] : models) {
    if (model.state != EngineState::Stopped || !model.is_wanted()) continue;
    if (model.retry_at && *model.retry_at > now) {
      wake_at(*model.retry_at);
      continue;
    }
    const Instant since = model.wanted_since();
    const int priority =
        model.waiting.empty() ? model.policy.priority : model.waiting.begin()->priority;
    list.push_back({&id, &model, since, now >= since + policy.max_wait, priority});
  }
  std::sort(list.begin(), list.end(), [](const Wish& a, const Wish& b) {
    // Whoever room is being made for keeps its turn, or evictions would be for nothing.
    const auto key = [](const Wish& w) {
      return std::tuple(!w.model->claimed, !w.overdue, w.overdue ? 0 : -w.priority, w.since);
    };
    return std::tuple_cat(key(a), std::tie(*a.id)) < std::tuple_cat(key(b), std::tie(*b.id));
  });
  return list;
}

void Scheduler::State::place(const Wish& wish, ModelSet& occupied,
                             std::vector<const Wish*>& pending) {
  // Who comes before and still waits for room counts as resident: it is not to be delayed.
  ModelSet running = occupied;
  for (const Wish* earlier : pending) running.insert(*earlier->id);
  const Eviction room = residency->make_room(*wish.id, running);
  const bool in_the_way = std::any_of(pending.begin(), pending.end(), [&](const Wish* earlier) {
    return std::binary_search(room.evict.begin(), room.evict.end(), *earlier->id);
  });
  if (in_the_way) {
    pending.push_back(&wish);
    return;
  }
  if (room.evict.empty() && !wish.model->claimed && policy.gather > Duration{0} &&
      now < wish.since + policy.gather && occupied.empty()) {
    wake_at(wish.since + policy.gather);
    pending.push_back(&wish);
    return;
  }
  if (room.evict.empty()) {
    occupied.insert(*wish.id);
    const std::size_t count = wish.model->waiting.size();
    return start(
        *wish.id, *wish.model,
        (count > 0 ? std::to_string(count) + " waiting for it" : "an operator asks for it") +
            std::string("; ") + room.reason);
  }
  bool all_may_leave = true;
  for (const ModelId& id : room.evict) {
    all_may_leave = may_leave(id, models.find(id)->second, wish) && all_may_leave;
  }
  if (all_may_leave) {
    wish.model->claimed = true;
    for (const ModelId& id : room.evict) {
      Model& victim = models.find(id)->second;
      if (victim.state == EngineState::Stopping) continue;
      const bool abandoned = victim.state == EngineState::Starting;
      stop(id, victim, abandoned ? StopCause::Abandoned : StopCause::Evicted,
           (abandoned ? "nobody waits for it any more and " : "makes room for ") +
               (abandoned ? *wish.id + " needs the room" : *wish.id) + "; " + room.reason);
    }
  }
  pending.push_back(&wish);
}

/// Whether @p victim may be stopped for @p wish now; if not, arranges that it may later.
bool Scheduler::State::may_leave(const ModelId&, Model& victim, const Wish& wish) {
  if (victim.state == EngineState::Stopping) return true;
  if (!wish.overdue) wake_at(wish.since + policy.max_wait);
  if (victim.state == EngineState::Starting) {
    if (victim.is_wanted()) return false;
    const Instant abandoned_at = victim.unwanted_since + policy.abandon_grace;
    if (now < abandoned_at) wake_at(abandoned_at);
    return now >= abandoned_at;
  }
  if (wish.overdue && now >= victim.since) {
    // The bound has passed: who runs may end, nobody new gets in.
    const bool served_once =
        victim.running > 0 || victim.waiting.empty() || victim.last_used > victim.since;
    if (served_once) victim.draining = true;
    return victim.running == 0 && served_once;
  }
  if (victim.running > 0 || !victim.waiting.empty()) return false;
  const Instant settled = victim.since + policy.min_residency;
  if (now < settled) wake_at(settled);
  return now >= settled;
}

void Scheduler::State::start(const ModelId& id, Model& model, std::string reason) {
  enter(model, EngineState::Starting);
  model.claimed = false;
  model.retry_at.reset();
  model.unwanted_since = now;
  out.push_back(Start{id, std::move(reason)});
}

void Scheduler::State::stop(const ModelId& id, Model& model, StopCause cause, std::string reason) {
  enter(model, EngineState::Stopping);
  model.unload_by.reset();
  out.push_back(Stop{id, cause, std::move(reason)});
}

void Scheduler::State::refuse(Ticket ticket, RefusalCause cause, std::string detail,
                              Duration retry_after) {
  out.push_back(Refuse{ticket, cause, std::move(detail), std::min(retry_after, Duration{30'000})});
}

void Scheduler::State::refuse_waiting(Model& model, RefusalCause cause, const std::string& detail,
                                      Duration retry_after) {
  while (!model.waiting.empty()) {
    const Turn turn = *model.waiting.begin();
    dequeue(model, turn);
    refuse(turn.ticket, cause, detail, retry_after);
  }
}

void Scheduler::State::dequeue(Model& model, const Turn& turn) {
  model.waiting.erase(turn);
  model.by_age.erase({turn.since, turn.ticket});
  entries.erase(turn.ticket);
  --waiting;
}

Duration Scheduler::State::backoff(int failures) const {
  Duration pause = policy.backoff_first;
  for (int i = 1; i < failures && pause < policy.backoff_max; ++i) pause *= 2;
  return std::min(pause, policy.backoff_max);
}

// --- the class -----------------------------------------------------------------------------------

Scheduler::Scheduler(std::map<ModelId, ModelPolicy, std::less<>> models, SchedulePolicy policy,
                     std::shared_ptr<const Residency> residency)
    : state_(std::make_unique<State>()) {
  state_->policy = policy;
  state_->residency = std::move(residency);
  for (auto& [id, model_policy] : models) state_->models[id].policy = model_policy;
}

Scheduler::~Scheduler() = default;

std::vector<Action> Scheduler::step(const Event& event, Instant now) {
  state_->now = std::max(now, state_->now);
  state_->out.clear();
  std::visit([this](const auto& e) { state_->on(e); }, event);
  state_->settle();
  return std::exchange(state_->out, {});
}

std::optional<Instant> Scheduler::next_deadline() const {
  return state_->deadline;
}

bool Scheduler::is_quiet() const {
  const auto& models = state_->models;
  return state_->entries.empty() &&
         std::none_of(models.begin(), models.end(), [](const auto& each) {
           return each.second.is_resident() || each.second.is_wanted();
         });
}

std::string Scheduler::State::next_step(const ModelId& id, const Model& model) const {
  if (model.state == EngineState::Starting) return "served when " + id + " has loaded";
  if (model.state == EngineState::Stopping) return id + " stops; it is started again after that";
  if (model.state == EngineState::Ready && !model.draining) {
    return "served when one of " + std::to_string(model.running) + " running requests ends";
  }
  if (model.state == EngineState::Ready) {
    return id + " lets another model in first, which waited longest";
  }
  if (model.retry_at && *model.retry_at > now) {
    return "the next try to start " + id + " is in " + in_seconds(*model.retry_at - now);
  }
  ModelSet occupied;
  for (const auto& [other, each] : models) {
    if (each.is_resident()) occupied.insert(other);
  }
  const Eviction room = residency->make_room(id, occupied);
  std::string text = "starts when ";
  for (std::size_t i = 0; i < room.evict.size(); ++i) {
    const Model& victim = models.find(room.evict[i])->second;
    if (i > 0) text += " and ";
    text += room.evict[i];
    if (victim.state == EngineState::Stopping) {
      text += " has stopped";
    } else if (victim.state == EngineState::Starting) {
      text += " has loaded and served who waits for it";
    } else {
      text += " (" + std::to_string(victim.running) + " running) is idle";
    }
  }
  if (room.evict.empty()) text += "it is its turn";
  const Duration left = model.wanted_since() + policy.max_wait - now;
  if (left > Duration{0}) {
    text += "; after " + in_seconds(left) + " it no longer waits for newcomers";
  } else {
    text += "; newcomers are kept out meanwhile";
  }
  return text;
}

ScheduleView Scheduler::view(Instant now) const {
  ScheduleView view;
  for (const auto& [id, model] : state_->models) {
    ModelView seen;
    seen.model = id;
    seen.state = model.state;
    if (model.state == EngineState::Stopped && model.failures > 0 && model.retry_at) {
      seen.state = EngineState::Failed;
    }
    seen.since = model.since;
    seen.running = model.running;
    seen.waiting = static_cast<int>(model.waiting.size());
    seen.draining = model.draining || model.unload_by.has_value();
    if (model.state == EngineState::Ready && model.policy.ttl > Duration{0} && model.running == 0) {
      seen.unload_at = model.last_used + model.policy.ttl;
    }
    if (model.retry_at && *model.retry_at > now) seen.retry_at = model.retry_at;
    seen.last_failure = model.last_failure;
    view.models.push_back(std::move(seen));
    if (model.waiting.empty()) continue;
    const std::string next = state_->next_step(id, model);
    for (const Turn& turn : model.waiting) {
      view.waiting.push_back({turn.ticket, id, turn.priority, turn.since, next});
    }
  }
  std::sort(view.waiting.begin(), view.waiting.end(), [](const auto& a, const auto& b) {
    return std::tuple(-a.priority, a.since, a.ticket) < std::tuple(-b.priority, b.since, b.ticket);
  });
  return view;
}

bool operator==(const Start& a, const Start& b) {
  return a.model == b.model;
}
bool operator==(const Stop& a, const Stop& b) {
  return a.model == b.model && a.cause == b.cause;
}
bool operator==(const Admit& a, const Admit& b) {
  return a.ticket == b.ticket && a.model == b.model;
}
bool operator==(const Refuse& a, const Refuse& b) {
  return a.ticket == b.ticket && a.cause == b.cause;
}

}  // namespace rouse::core
