#include "base/net/port_holder.hpp"
#include "core/swap/describe.hpp"
#include "proxy/admission/dispatcher.hpp"
#include "proxy/check/ports.hpp"
#include "proxy/engine/launch.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>

namespace rouse {

using Clock = std::chrono::steady_clock;

// What the scheduler has decided is done, and what engines do is told to it.

void Dispatcher::enter(const std::string& model, core::EngineState state, std::string reason,
                       bool failed) {
  EngineSlot& slot = engines_.at(model);
  EngineChange change{model, slot.state, state, now() - slot.since, std::move(reason), failed};
  change.endpoint = slot.engine->launch().endpoint;
  if (state == core::EngineState::Ready) change.swap = slot.swap.phases();
  slot.state = state;
  slot.since = now();
  if (observe_) observe_(change);
}

/// Who has @p port, or is about to: an engine that still loads does not listen yet. Empty: nobody
/// but @p model.
std::string Dispatcher::holder_of(int port, const std::string& model) const {
  for (const auto& [id, slot] : engines_) {
    const bool has_it = slot.is_running() && slot.engine->launch().endpoint.port == port;
    if (id != model && has_it) return "the engine of " + id;
  }
  return port_holder(static_cast<std::uint16_t>(port));
}

/// @p model on the next free port, when another program has the one that ${PORT} gave to it. A port
/// that the file itself names stays: there the start says who has it.
std::optional<ModelConfig> Dispatcher::moved_aside(const ModelConfig& model) {
  const bool is_given = model.port && is_here(model.endpoint) && model.endpoint.port == *model.port;
  if (!is_given) return std::nullopt;
  const std::string holder = holder_of(*model.port, model.id);
  if (holder.empty()) return std::nullopt;
  std::set<int> promised;  // to models that may be started next
  for (const auto& [id, each] : config_->models) promised.insert(each.port.value_or(0));
  for (int port = *model.port + 1; port <= std::numeric_limits<std::uint16_t>::max(); ++port) {
    if (promised.contains(port) || !holder_of(port, model.id).empty()) continue;
    decided(fmt::format("{}: port {} is taken by {}, so it gets {}", model.id, *model.port, holder,
                        port),
            model.id);
    return with_port(*config_, model.id, port);
  }
  return std::nullopt;
}

/// When the first of those who wait for @p model came; now, when nobody waits.
core::Instant Dispatcher::first_wanted(std::string_view model) const {
  core::Instant first = now();
  for (const auto& [id, waiter] : tickets_) {
    if (waiter.ticket->model() == model &&
        waiter.ticket->state() == AdmissionTicket::State::Waiting) {
      first = std::min(first, waiter.entered);
    }
  }
  return first;
}

void Dispatcher::begin_swap(EngineSlot& slot, const std::string& model) {
  slot.swap = std::exchange(slot.coming, {});
  slot.swap.started = now();
  slot.swap.wanted = first_wanted(model);
  // Else nobody had to leave, or did so for others who have gone since.
  slot.swap.evicts = slot.swap.told >= slot.swap.wanted;
  if (!slot.swap.evicts) {
    slot.swap.wanted = slot.swap.told = slot.swap.exited = slot.swap.started;
  }
  slot.swap.exited = std::clamp(slot.swap.exited, slot.swap.told, slot.swap.started);
}

void Dispatcher::perform(const core::Start& start) {
  EngineSlot& slot = engines_.at(start.model);
  slot.started_for = start.first ? request_id(*start.first) : std::string();
  decided(fmt::format("start {}: {}{}", start.model, start.reason,
                      slot.started_for.empty() ? "" : ", first " + slot.started_for),
          start.model);
  EngineEvents events;
  events.ready = [this, model = start.model] {
    decided(fmt::format("{} is ready", model), model);
    EngineSlot& mine = engines_.at(model);
    if (mine.state == core::EngineState::Starting) {
      const EngineTimes& times = mine.engine->times();
      mine.load = now() - mine.since;
      mine.swap.spawned = core::to_instant(times.spawned);
      mine.swap.ready = now();
      const Clock::time_point doubted = std::max(times.doubted, times.spawned);
      mine.swap.seen = mine.swap.ready - core::to_instant(doubted);
      enter(model, core::EngineState::Ready, {}, false);
    }
    post(core::EngineReady{model});
  };
  events.amiss = [this, model = start.model](const std::string& what) {
    engines_.at(model).load_trouble = what;
    spdlog::warn("{} is loading, and {}", model, what);
  };
  events.died = [this, model = start.model](const core::EngineFailure& failure) {
    died(model, failure);
  };
  events.gone = [this, model = start.model](core::EngineFailure failure) {
    EngineSlot& mine = engines_.at(model);
    pool_.forget(mine.engine->launch().endpoint);
    if (const auto next = engines_.find(mine.leaves_for); next != engines_.end()) {
      core::Instant& exited = next->second.coming.exited;
      exited = std::max(exited, core::to_instant(mine.engine->times().ended));
    }
    mine.leaves_for.clear();
    // Nobody holds on to a connection of an engine that has gone.
    for (AdmissionTicket* const ticket : tickets_of(model, AdmissionTicket::State::Aborted)) {
      ticket->cut();
    }
    enter(model, core::EngineState::Stopped, failure.text(), !failure.empty());
    if (failure.empty()) {
      decided(fmt::format("{} is gone", model), model);
    } else {
      spdlog::warn("{} failed: {}", model, failure.text());
      decisions_.add(fmt::format("{} failed: {}", model, failure.text()), model);
    }
    post(core::EngineGone{model, std::move(failure)});
  };
  const ModelConfig& model = config_->models.at(start.model);
  slot.moved = moved_aside(model);
  slot.engine = std::make_unique<Engine>(launch_of(as_started(model)), std::move(events), tasks_,
                                         pool_, slot.log, registry_);
  begin_swap(slot, start.model);
  slot.load = {};
  slot.load_trouble.clear();
  ++slot.run;
  enter(start.model, core::EngineState::Starting, start.reason, false);
  slot.engine->start();
}

void Dispatcher::perform(const core::Stop& stop) {
  decided(fmt::format("stop {}: {}", stop.model, stop.reason), stop.model, stop.for_model);
  // llama-server does not leave while a connection is open, so ours go first.
  EngineSlot& slot = engines_.at(stop.model);
  if (const auto next = engines_.find(stop.for_model); next != engines_.end()) {
    next->second.coming.told = now();
    slot.leaves_for = stop.for_model;
  }
  enter(stop.model, core::EngineState::Stopping, std::string(core::to_string(stop.cause)), false);
  Engine& engine = *slot.engine;
  pool_.forget(engine.launch().endpoint);
  const Failure told =
      passing_failure(503, fmt::format("{} was stopped: {}", stop.model, stop.reason), 5);
  for (AdmissionTicket* const ticket : tickets_of(stop.model, AdmissionTicket::State::Admitted)) {
    ticket->abort(stop.reason, told);
  }
  engine.stop();
}

/// Who is admitted to it hears what the process said of its end, instead of what a socket says.
void Dispatcher::died(const std::string& model, const core::EngineFailure& failure) {
  EngineSlot& slot = engines_.at(model);
  enter(model, core::EngineState::Stopping, failure.text(), true);
  pool_.forget(slot.engine->launch().endpoint);
  Failure told = passing_failure(502, fmt::format("the engine of {} {}", model, failure.cause), 5);
  told.output = failure.output;
  for (AdmissionTicket* const ticket : tickets_of(model, AdmissionTicket::State::Admitted)) {
    ticket->engine_died("the engine " + failure.cause, told);
  }
  post(core::EngineDied{model});
}

std::vector<AdmissionTicket*> Dispatcher::tickets_of(std::string_view model,
                                                     AdmissionTicket::State state) const {
  std::vector<AdmissionTicket*> found;
  for (const auto& [id, waiter] : tickets_) {
    if (waiter.ticket->model() == model && waiter.ticket->state() == state) {
      found.push_back(waiter.ticket);
    }
  }
  return found;
}

void Dispatcher::perform(const core::Hurry& hurry) {
  for (AdmissionTicket* const ticket : tickets_of(hurry.model, AdmissionTicket::State::Admitted)) {
    ticket->hurry(hurry.reason);
  }
}

void Dispatcher::perform(const core::Admit& admit) {
  const auto it = tickets_.find(admit.ticket);
  if (it == tickets_.end()) return;  // it left in the meantime; its Left is in the queue
  const EngineSlot& slot = engines_.at(admit.model);
  // The part of the load that it was there for.
  const auto load = std::clamp(slot.since - it->second.entered, core::Duration{0}, slot.load);
  const SwapPhases swap =
      load > core::Duration{0} ? slot.swap.phases_since(it->second.entered) : SwapPhases{};
  it->second.ticket->admit(slot.engine->launch().endpoint, load, swap);
}

void Dispatcher::perform(const core::Refuse& refuse) {
  const auto it = tickets_.find(refuse.ticket);
  if (it == tickets_.end()) return;
  it->second.ticket->refuse(failure_of(refuse));
}

}  // namespace rouse
