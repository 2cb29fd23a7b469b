#pragma once

#include "core/swap/circuit.hpp"
#include "core/swap/followers.hpp"
#include "core/swap/scheduler.hpp"
#include "core/swap/wait_queue.hpp"
#include "core/time.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace rouse::core {

/// An operator's LoadWanted: waits like a request, but nobody has to be admitted.
struct LoadRequest {
  Order order{};
  Instant since{};
  std::string why;  ///< for people
};

/// Why a wanted model is not being loaded yet. For people; decides nothing.
struct Hold {
  enum class Kind {
    None,
    BackOff,  ///< until its pause after a failed start ends
    Gather,   ///< until it is clear who else asks
    Behind,   ///< until @p models, which go first, are loaded
    Leaving,  ///< until @p models, which are stopping, are gone
    InUse,    ///< until @p models are idle
  };
  Kind kind = Kind::None;
  std::vector<ModelId> models;
  Instant until = Instant::max();  ///< when it ends by itself, if it does
};

/// What the scheduler knows about one model. Plain state; the decisions are made in
/// Scheduler::State.
struct EngineRecord {
  ModelId id;
  ModelPolicy policy;
  EngineState state = EngineState::Stopped;  ///< never Failed: that is for the view
  Instant since{};                           ///< when it entered @p state
  std::uint64_t run = 0;                     ///< tells the requests of a dead engine from the new
  int running = 0;
  Duration busy{0};          ///< time with running > 0 that has ended
  Instant busy_since{};      ///< while running > 0
  Instant last_used{};       ///< the end of the last request, or ready
  Instant unwanted_since{};  ///< while Starting and nobody waits
  Duration load_time{0};     ///< of the last start that was seen to its end; 0: none was
  Duration stop_time{0};     ///< of the last stop
  bool used = false;         ///< by a request, in this run
  Followers followers;
  WaitQueue waiting;
  std::optional<LoadRequest> load_request;
  Circuit circuit;
  std::optional<Instant> unload_by;  ///< an unload, at the latest
  std::string unloaded_by;           ///< who asked for it, in words
  bool cut_short = false;            ///< ... and did not want to wait for what runs
  bool outdated = false;             ///< runs with a launch that is no longer configured
  bool removed = false;              ///< no longer configured at all; forgotten when it is gone
  std::optional<Order> barrier;      ///< draining: admits only who came before
  std::string barrier_why;           ///< for people: who waits for that, and since when
  Instant barrier_since{};           ///< ... since when it waits
  bool hurried = false;              ///< a Hurry has been said, and nothing has moved since
  bool claimed = false;              ///< engines have been stopped to make room for it
  Hold hold;
  std::string reason;                   ///< of its last start, stop or failure; for people
  std::optional<StopCause> stopped_by;  ///< not by itself; while Stopping, and after it
  /// Stopping, because it died as this; it was that for @p died_after.
  std::optional<EngineState> died_as;
  Duration died_after{0};

  [[nodiscard]] bool is_resident() const {
    return state == EngineState::Starting || state == EngineState::Ready ||
           state == EngineState::Stopping;
  }
  /// What it takes to get it back, as far as that was seen.
  [[nodiscard]] Duration swap_cost() const { return load_time + stop_time; }
  [[nodiscard]] bool is_wanted() const { return !waiting.empty() || load_request; }
  [[nodiscard]] bool has_slot() const { return running < std::max(1, policy.concurrency); }
  [[nodiscard]] bool admits_newcomers() const {
    return state == EngineState::Ready && !outdated && !barrier && !unload_by && waiting.empty() &&
           has_slot();
  }

  /// Nobody gets its room.
  [[nodiscard]] bool keeps_room() const {
    const bool stays = state == EngineState::Starting || state == EngineState::Ready;
    return policy.unevictable && stays && !(outdated || unload_by);
  }

  // The next three need is_wanted().
  [[nodiscard]] Order wanted_order() const {
    if (waiting.empty()) return load_request->order;
    return load_request ? std::min(load_request->order, waiting.oldest().order)
                        : waiting.oldest().order;
  }
  [[nodiscard]] Instant wanted_since() const {
    if (waiting.empty()) return load_request->since;
    return load_request ? std::min(load_request->since, waiting.oldest().since)
                        : waiting.oldest().since;
  }
  [[nodiscard]] int wanted_priority() const {
    if (waiting.empty()) return policy.priority;
    const int highest = waiting.highest().priority;
    return load_request ? std::max(policy.priority, highest) : highest;
  }
};

}  // namespace rouse::core
