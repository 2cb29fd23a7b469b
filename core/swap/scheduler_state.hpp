#pragma once

#include "core/swap/engine_record.hpp"
#include "core/swap/followers.hpp"
#include "core/swap/residency.hpp"
#include "core/swap/scheduler.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace rouse::core {

using Actions = std::vector<Action>;

constexpr Duration kRetryLater{5'000};  ///< when who was refused may try again

/// A wanted model that is not resident, as it takes part in the choice of what to load next.
struct Candidate {
  EngineRecord* engine = nullptr;
  Order order{};
  Instant since{};
  int priority = 0;
  bool claimed = false;
  bool overdue = false;
  Instant overdue_at{};
};

/// The body of Scheduler. Events change records; settle() then draws every conclusion at once.
/// A request that meets a ready engine with a free slot, and one that leaves, need no settle().
struct Scheduler::State {
  struct Entry {
    EngineRecord* engine = nullptr;
    std::uint64_t run = 0;  ///< of the engine that it was admitted to
    Order order{};
    bool admitted = false;
    Caller caller = {};
  };

  std::map<ModelId, EngineRecord, std::less<>> engines;
  SchedulePolicy policy;
  std::shared_ptr<const Residency> residency;
  std::unordered_map<Ticket, Entry> tickets;
  Clients clients;
  ModelSet resident;  ///< everything that is not stopped
  ModelSet staying;   ///< resident and not stopping
  std::size_t waiting = 0;
  std::size_t wishes = 0;
  std::uint64_t next_order = 1;
  std::optional<Instant> shutdown_by;
  bool is_cut_short = false;  ///< by a ShutdownWanted at once
  Instant now = Instant::min();
  Instant deadline = Instant::max();
  bool unsettled = false;  ///< an event changed more than counters

  // scheduler_events.cpp
  void on(const Arrived& event, Actions& out);
  void on(const Left& event, Actions& out);
  void on(const EngineReady& event, Actions& out);
  void on(const EngineDied& event, Actions& out);
  void on(const EngineGone& event, Actions& out);
  void on(const LoadWanted& event, Actions& out);
  void on(const UnloadWanted& event, Actions& out);
  void on(const Reconfigured& event, Actions& out);
  void on(const ShutdownWanted& event, Actions& out);
  void on(const Tick& event, Actions& out);
  void want_baseline(const ModelId& idle);
  [[nodiscard]] bool is_follower(const Caller& caller) const;
  void came(EngineRecord& engine, const Caller& caller);
  void left_queue(const Entry& entry);
  void left_engine(const Entry& entry, Actions& out);
  void unload(EngineRecord& engine, const UnloadWanted& wanted, Actions& out);
  void retire(EngineRecord& engine, Actions& out);
  void forget(EngineRecord& engine);

  // scheduler.cpp
  void settle(Actions& out);
  void give_up(Actions& out);
  void stop_for_shutdown(Actions& out);
  void finish_unloads(Actions& out);
  void finish_outdated(Actions& out);
  void stop_outdated(EngineRecord& engine, Actions& out);
  void unload_idle(Actions& out);
  void hurry(EngineRecord& engine, Actions& out);

  void admit(EngineRecord& engine, Ticket ticket, const Caller& caller, Actions& out);
  void admit_waiting(EngineRecord& engine, Actions& out);
  void refuse(EngineRecord& engine, Waiter waiter, const Refuse& answer, Actions& out);
  void refuse_all(EngineRecord& engine, const Refuse& answer, Actions& out);
  void start(EngineRecord& engine, std::string reason, Actions& out);
  void stop(EngineRecord& engine, StopCause cause, std::string reason, Actions& out,
            ModelId for_model = {});
  void enter(EngineRecord& engine, EngineState state);
  void wish_for(EngineRecord& engine, std::string why);
  void forget_load_request(EngineRecord& engine);
  void wake_at(Instant at);
  [[nodiscard]] Instant overdue() const;  ///< who has waited since then has waited max_wait

  // scheduler_patience.cpp
  /// When somebody who wants @p engine, which is not resident, is not to wait any longer.
  [[nodiscard]] Instant overdue_at(const EngineRecord& engine) const;
  [[nodiscard]] Duration turn_of(const EngineRecord& engine, const EngineRecord& waited_for) const;
  [[nodiscard]] Stay stay_of(const EngineRecord& engine) const;
  /// When @p engine may be stopped for @p candidate: never in the past; max() while it is in use.
  [[nodiscard]] Instant available_at(const EngineRecord& engine, const Candidate& candidate) const;
  [[nodiscard]] Instant let_load_until(const EngineRecord& engine) const;
  /// Why @p engine is not kept any longer for its next request; begins with ", " unless empty.
  [[nodiscard]] std::string leave_text(const EngineRecord& engine,
                                       const Candidate& candidate) const;
  /// Why @p engine admits no newcomers before @p wanted has had its turn.
  [[nodiscard]] std::string urge(const EngineRecord& wanted, const EngineRecord& engine) const;

  // scheduler_swap.cpp
  void place(Actions& out);
  [[nodiscard]] std::vector<Candidate> candidates();
  void place(const Candidate& candidate, ModelSet& reserved, Actions& out);
  void refuse_for_room(EngineRecord& engine, const ModelId& keeper, Actions& out);
  void make_room(const Candidate& candidate, const Eviction& eviction, ModelSet& reserved,
                 Actions& out);
  [[nodiscard]] Eviction choose_eviction(const Candidate& candidate, const ModelSet& present,
                                         const ModelSet& reserved) const;
  [[nodiscard]] Instant gathered_at() const;

  // scheduler_view.cpp
  [[nodiscard]] std::vector<const EngineRecord*> wanted_in_turn() const;
  [[nodiscard]] ModelView view_of(const EngineRecord& engine, Instant at) const;
  [[nodiscard]] std::string next_for(const EngineRecord& engine, const Waiter& waiter,
                                     Instant at) const;
  [[nodiscard]] std::string hold_text(const EngineRecord& engine, Instant at) const;
  [[nodiscard]] std::string leaves_text(const EngineRecord& engine, Instant at) const;
};

}  // namespace rouse::core
