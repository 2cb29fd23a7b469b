#pragma once

#include "base/async/task_group.hpp"
#include "base/http/pool.hpp"
#include "core/swap/scheduler.hpp"
#include "proxy/admission/decision_log.hpp"
#include "proxy/admission/ticket.hpp"
#include "proxy/check/start_look.hpp"
#include "proxy/config/config.hpp"
#include "proxy/engine/engine.hpp"
#include "proxy/engine/prefetcher.hpp"
#include "proxy/logs/log_ring.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

class EngineRegistry;

/// An engine has changed its state.
struct EngineChange {
  std::string model;
  core::EngineState from = core::EngineState::Stopped;
  core::EngineState to = core::EngineState::Stopped;
  core::Duration lasted{};  ///< the state that it has left
  std::string reason;       ///< of a stop: its cause in a word; of a failure: what it said
  bool failed = false;      ///< it ended by itself
  Endpoint endpoint = {};   ///< where this run of it answers
  SwapPhases swap = {};     ///< what it took, when it has just become ready
};

/// The shell around core::Scheduler: turns what happens into events, performs the actions, owns the
/// engines. One queue of events, one loop that drains it, one timer. Single thread.
///
/// @p tasks, @p pool, @p registry outlive it. Places must be gone before it is destroyed.
class Dispatcher final : public AdmissionSource {
 public:
  Dispatcher(std::shared_ptr<const Config> config, TaskGroup& tasks, HttpPool& pool,
             EngineRegistry& registry);
  ~Dispatcher();
  Dispatcher(const Dispatcher&) = delete;
  Dispatcher& operator=(const Dispatcher&) = delete;

  /// Why the files of @p model would let its start fail, when it would have to be started; empty:
  /// nothing speaks against it. To be asked before enter(), which cannot wait for them.
  Task<std::string> missing_file(const ModelConfig& model);

  /// Queues a request for @p model, a configured id. It is refused at once when its engine would
  /// have to be started and cannot be: nothing is moved for it. @p caller: whose it is.
  [[nodiscard]] std::unique_ptr<AdmissionTicket> enter(const ModelConfig& model, int priority,
                                                       std::string request_id,
                                                       const core::Caller& caller = {});

  /// A place on the engine of @p model as it is: no load, no slot, no effect on ttl or swaps; cut
  /// when the engine stops. Null unless the engine is ready.
  [[nodiscard]] std::unique_ptr<AdmissionTicket> enter_if_ready(const ModelConfig& model,
                                                                std::string request_id);

  /// Takes a new configuration: what it leaves as it is goes on, see core::Reconfigured. Returns
  /// the models whose engines will be replaced or removed.
  std::vector<std::string> adopt(std::shared_ptr<const Config> config);

  void on_change(std::function<void(const EngineChange&)> observe) {
    observe_ = std::move(observe);
  }

  /// As an operator's wish; @p why: whose, for people. Returns why it cannot be started; empty: it
  /// is on its way, or there.
  std::string load(const std::string& model, std::string why = "an operator asked for it");
  void unload(core::UnloadWanted wanted);
  /// Returns when what is resident now of @p model (or of any) is gone. What is started meanwhile
  /// for others is not waited for.
  Task<void> unloaded(std::optional<std::string> model);

  /// Refuses who waits, lets running requests end within their bound, stops all engines.
  Task<void> shut_down();
  /// The impatient second signal: running requests are cut and engines stopped now.
  void shut_down_now();

  [[nodiscard]] core::ScheduleView view() const;
  [[nodiscard]] core::Instant now() const;
  /// What the configuration says of the name that was asked for, or of its model.
  [[nodiscard]] int priority(std::string_view name, const ModelConfig& model) const;
  /// 1: next in turn.
  [[nodiscard]] std::size_t queue_position(const AdmissionTicket& ticket) const;
  [[nodiscard]] std::string request_id(core::Ticket id) const;
  /// What kept @p model from being started when that was last wanted; empty: nothing.
  [[nodiscard]] std::string last_obstacle(const std::string& model) const;
  /// What is amiss with the load of @p model that is going on; empty: nothing.
  [[nodiscard]] std::string load_trouble(std::string_view model) const;
  /// The request that @p model's engine was last started for; empty: it was none.
  [[nodiscard]] std::string started_for(const std::string& model) const;
  [[nodiscard]] const std::deque<Decision>& decisions() const { return decisions_.all(); }
  [[nodiscard]] bool is_shutting_down() const { return shutting_down_; }
  /// What the engine of @p model was started by: @p model itself, or the same on another ${PORT}.
  [[nodiscard]] const ModelConfig& as_started(const ModelConfig& model) const;
  /// What it took to get the engine of @p model ready, when it was last started.
  [[nodiscard]] SwapPhases last_swap(std::string_view model) const;
  [[nodiscard]] int engine_pid(const std::string& model) const;
  /// Stopped for a model that is not known.
  [[nodiscard]] core::EngineState engine_state(std::string_view model) const;
  /// The log of a model's engine, kept over restarts; null for an unknown model.
  [[nodiscard]] LogRing* engine_log(const std::string& model);

 private:
  struct Waiter {
    AdmissionTicket* ticket = nullptr;
    core::Instant entered{};
    bool scheduled = true;  // false: only if it is ready, the scheduler knows nothing of it
  };
  struct EngineSlot {
    LogRing log;
    std::unique_ptr<Engine> engine;                        // of the last run, null before the first
    std::optional<ModelConfig> moved;                      // of this run: on another ${PORT}
    core::EngineState state = core::EngineState::Stopped;  // as told to the scheduler
    core::Instant since{};                                 // when it entered @p state
    core::Duration load{};                                 // of this run; zero until it is ready
    SwapTimes swap;                                        // that brought this run
    SwapTimes coming;                                      // that is to bring the next run
    std::string leaves_for;                                // who gets its room, while it stops
    std::string obstacle;                                  // to its start, as told in the log
    std::string load_trouble;                              // of this run, until it is ready
    std::string started_for;                               // the id of a request
    std::uint64_t run = 0;                                 // counts its starts

    [[nodiscard]] bool is_running() const { return state != core::EngineState::Stopped; }
  };

  [[nodiscard]] const ModelConfig* to_start(const std::string& model) const;
  [[nodiscard]] std::string obstacle_to(const std::string& model);
  void tell_obstacle(const std::string& model, const std::string& obstacle);
  void post(core::Event event);
  void drain();
  [[nodiscard]] std::optional<ModelConfig> moved_aside(const ModelConfig& model);
  [[nodiscard]] std::string holder_of(int port, const std::string& model) const;
  void perform(const core::Start& start);
  void perform(const core::Stop& stop);
  void perform(const core::Admit& admit);
  void perform(const core::Refuse& refuse);
  void perform(const core::Hurry& hurry);
  void died(const std::string& model, const core::EngineFailure& failure);
  [[nodiscard]] std::vector<AdmissionTicket*> tickets_of(std::string_view model,
                                                         AdmissionTicket::State state) const;
  void arm_timer();
  void prefetch_next();
  void begin_swap(EngineSlot& slot, const std::string& model);
  [[nodiscard]] core::Instant first_wanted(std::string_view model) const;
  void left(AdmissionTicket& ticket) override;
  void decided(std::string text, const std::string& model, const std::string& also = {});
  void enter(const std::string& model, core::EngineState state, std::string reason, bool failed);
  void forget_removed();

  std::shared_ptr<const Config> config_;
  TaskGroup& tasks_;
  HttpPool& pool_;
  EngineRegistry& registry_;
  core::Scheduler scheduler_;
  StartLook start_look_;
  Prefetcher prefetcher_;
  std::vector<core::ModelId> prefetched_;  // whose files it reads, or has read
  std::map<std::string, EngineSlot, std::less<>> engines_;
  std::map<core::Ticket, Waiter> tickets_;
  std::deque<core::Event> events_;
  DecisionLog decisions_;
  std::function<void(const EngineChange&)> observe_;
  SteadyTimer timer_;
  std::optional<core::Instant> timer_at_;
  SteadyTimer watchers_;  // rung whenever an engine has gone
  std::uint64_t next_ticket_ = 1;
  bool draining_events_ = false;
  bool shutting_down_ = false;
};

}  // namespace rouse
