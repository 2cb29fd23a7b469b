#pragma once

#include "base/async/task_group.hpp"
#include "core/peer/attempt_table.hpp"
#include "core/sleep/lease.hpp"
#include "proxy/admission/dispatcher.hpp"
#include "proxy/power/idle_connections.hpp"
#include "proxy/power/power_facts.hpp"
#include "proxy/telemetry/event_hub.hpp"
#include "proxy/telemetry/recorder.hpp"
#include "proxy/wire/refusal.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace rouse {

class HttpServer;

/// The shell around core::power::Lease: asks it before every piece of work, performs what it
/// decides, tells subscribers. Single thread. What the constructor gets outlives it; Work and
/// Holders are gone before it is destroyed.
///
/// Large for a reason: one lease connects what the daemon, operators, subscribers and requests say,
/// each step of which may cancel any other's wait. Taken apart, the parts would share this state.
class Power {
 public:
  using Lease = core::power::Lease;
  using Clock = std::chrono::steady_clock;

  Power(TaskGroup& tasks, Dispatcher& dispatcher, Recorder& recorder);
  ~Power();
  Power(const Power&) = delete;
  Power& operator=(const Power&) = delete;

  /// The listener that is closed while the box sleeps; outlives this.
  void guard(HttpServer& server) { server_ = &server; }
  /// Called after each sleep with the models that were unloaded before it. The listener is open.
  void on_wake(std::function<void(const std::vector<std::string>&)> call) {
    on_wake_ = std::move(call);
  }
  /// Looks at the clocks until its group is cancelled. Once.
  Task<void> watch();

  /// Something that needs the box awake, from the moment it was let in. Keeps the box awake.
  class Work {
   public:
    ~Work();
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;
    /// It is request @p id of those in flight: for cutting it when a later attempt comes.
    void is_request(std::uint64_t id) { request_ = id; }

   private:
    friend class Power;
    Work(Power& power, std::uint64_t number) : power_(power), number_(number) {}
    Power& power_;
    std::uint64_t number_;
    std::string what_;
    std::string attempt_;        // the id, if the sender counts its attempts
    std::uint64_t request_ = 0;  // 0: it is none that is in flight
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  };
  /// Lets a request for inference or for the management of models in, which cancels a drain and
  /// cuts an older attempt of the same request; or says why not: the box goes to sleep (503
  /// "suspending"), or a later attempt has come. @p sender: whose attempts they are; another one's
  /// of the same id are others.
  [[nodiscard]] std::variant<std::unique_ptr<Work>, Failure> begin(const RequestHead& head,
                                                                   std::string_view sender = {});

  [[nodiscard]] bool is_suspending() const {
    return lease_.state() == core::power::State::Suspending;
  }
  [[nodiscard]] IdleConnections& idle_connections() { return idle_; }

  // --- for the daemon (unix socket) --------------------------------------------------------------

  /// Who holds a lease: hears of its end. @p bell is rung then.
  class Holder {
   public:
    Holder(Power& power, std::string lease, std::function<void()> bell);
    ~Holder();
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    [[nodiscard]] const std::optional<core::power::Cancel>& end() const { return end_; }

   private:
    friend class Power;
    Power& power_;
    std::string lease_;
    std::function<void()> bell_;
    std::optional<core::power::Cancel> end_;
  };
  using Asked = core::power::Event;
  /// What answers it; nullopt: it comes later (a commit), through committed().
  [[nodiscard]] std::optional<core::power::Action> ask(const Asked& event);
  /// When the daemon expects the next wake, told with the announcement; empty: not known.
  void expect_wake(std::string at) { expect_wake_ = std::move(at); }
  /// Waits for Committed or CommitCancelled.
  Task<core::power::Action> committed();
  /// Stops all engines; the models that had one. Returns when none is left, when the lease has
  /// gone, or after @p limit.
  Task<std::vector<std::string>> unload(std::string lease, std::chrono::milliseconds limit);
  /// Models that have an engine, in whatever state.
  [[nodiscard]] std::vector<std::string> resident() const;
  [[nodiscard]] bool holds(const std::string& lease) const {
    return lease_.state() == core::power::State::Draining && lease_.lease() == lease;
  }
  [[nodiscard]] std::vector<core::power::Busy> busy() const;
  /// What is wrong with @p json; empty: it was taken.
  [[nodiscard]] std::string tell_facts(std::string_view json);
  /// `GET /v1/power/activity`
  [[nodiscard]] std::string activity_json() const;

  // --- for those who send work (listener) --------------------------------------------------------

  /// `GET /v1/power`
  [[nodiscard]] std::string snapshot_json() const;
  /// All that is known of this machine's sleep: the members of an object that has been begun. Of
  /// what keeps it awake, the models that @p sees.
  void write(JsonWriter& json, const EventHub::Sees& sees = nullptr) const;
  [[nodiscard]] EventHub& subscribers() { return hub_; }
  [[nodiscard]] std::string frame(std::string_view event) const;
  void acked(std::uint64_t epoch);
  void subscriber_left();

  void engine_changed() { ring(); }

  /// Woken whenever something has changed that somebody may wait for.
  class Bell {
   public:
    explicit Bell(Power& power);
    ~Bell();
    Bell(const Bell&) = delete;
    Bell& operator=(const Bell&) = delete;
    /// Returns when it rings, at @p until, or false when the task is to end.
    Task<bool> wait(Clock::time_point until);

   private:
    friend class Power;
    Power& power_;
    SteadyTimer timer_;
    std::list<Bell*>::iterator place_;
  };

 private:
  std::vector<core::power::Action> step(const core::power::Event& event);
  void perform(const std::vector<core::power::Action>& actions);
  void apply(const core::power::Grant& grant);
  void apply(const core::power::Refuse& refuse);
  void apply(const core::power::Cancel& cancel);
  void apply(const core::power::Announce& said);
  void apply(const core::power::ResumeDetected& woke);
  template <class Other>  // an answer: nothing else is to be done
  void apply(const Other&) {}
  void ring();
  Task<void> close_doors();
  void open_doors();
  void announce(std::string_view event);
  void write_state(JsonWriter& json) const;
  void ended(Work& work);
  void cut(std::uint64_t number, const core::Attempt& by);

  TaskGroup& tasks_;
  Dispatcher& dispatcher_;
  Recorder& recorder_;
  HttpServer* server_ = nullptr;
  std::function<void(const std::vector<std::string>&)> on_wake_;
  Lease lease_;
  core::AttemptTable attempts_;
  PowerFacts facts_;
  IdleConnections idle_;
  EventHub hub_;
  std::string boot_id_;
  std::string why_;  // of the state, for people
  std::string expect_wake_;
  std::map<std::uint64_t, Work*> works_;
  std::uint64_t next_work_ = 1;
  Holder* holder_ = nullptr;
  std::optional<core::power::Action> commit_answer_;
  std::list<Bell*> bells_;
  std::vector<std::string> unloaded_;  // before the sleep
  SteadyTimer timer_;                  // of watch()
  bool doors_stuck_ = false;           // the listener could not be opened again yet
};

/// The member "busy".
void write_busy(JsonWriter& json, const std::vector<core::power::Busy>& busy);

}  // namespace rouse
