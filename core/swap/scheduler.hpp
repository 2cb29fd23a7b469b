#pragma once

#include "core/swap/residency.hpp"
#include "core/time.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rouse::core {

/// One request on its way through the scheduler; given by the shell, never reused.
enum class Ticket : std::uint64_t {};

/// How one model is scheduled.
struct ModelPolicy {
  int concurrency = 10;  ///< requests running on the engine at once; waiting ones do not count
  int priority = 0;      ///< higher is served first when a swap has to choose
  Duration ttl{0};       ///< unload after this long without an inference request; 0: never
  /// How long running requests may delay an operator's unload; 0: not at all.
  Duration unload_drain{10'000};
  /// While it is loaded nothing makes it leave but its ttl and an unload: what does not fit beside
  /// it is refused.
  bool unevictable = false;
  /// Loaded again when the ttl of another has ended, and it fits beside what is left.
  bool baseline = false;
};

/// When models are swapped, and how patient everybody is.
struct SchedulePolicy {
  /// A waiting request forces a swap after this long: the models in its way admit only who came
  /// before it. 0: at once, which is first come, first served.
  Duration max_wait{120'000};
  /// Sooner than that where the models in its way have had their turn: as long as it has to be for
  /// the swaps to it and back to take this part of the time. 0: nobody has turns.
  double swap_budget = 0.25;
  /// An idle model stays for its next request where that is likely enough to come soon enough, and
  /// never longer than to get it back would take. These bound it further: after it became ready,
  Duration min_residency = Duration::max();
  /// ... and after its last request has ended.
  Duration linger = Duration::max();
  Duration gather{0};  ///< wait this long before the first swap to see who else asks
  /// A load that nobody waits for any more, and of which little is left, is let end for this long
  /// at most when its room is wanted; any other makes way at once.
  Duration abandon_grace{60'000};
  Duration give_up{0};              ///< refuse a request that waited this long; 0: never
  std::size_t queue_max = 10'000;   ///< waiting requests over all models; one more is refused
  int load_failures_max = 3;        ///< failed starts in a row that open the circuit; 0: never
  Duration backoff_first{1'000};    ///< pause after the first failed start; doubles
  Duration backoff_max{30'000};     ///< longest pause; also the longest Retry-After
  Duration stable{10'000};          ///< an engine that ended by itself sooner failed to start
  Duration shutdown_drain{25'000};  ///< how long running requests may delay a shutdown
};

/// Whose request it is, as far as can be told; made by the shell, 0: not known. Requests that
/// differ in the first are of different clients; those of one connection follow each other.
struct Caller {
  std::uint64_t client = 0;      ///< key, address, agent and session
  std::uint64_t connection = 0;  ///< over which it came

  bool operator==(const Caller&) const = default;
};

// What happened. The shell turns every outside occurrence into exactly one of these.
struct Arrived {
  Ticket ticket;
  ModelId model;
  int priority = 0;  ///< of the name that was asked for; the model's own counts for LoadWanted only
  Caller caller = {};
};
/// Answered, failed, or the client went away.
struct Left {
  Ticket ticket;
};
/// Answers on its endpoint; ignored unless starting.
struct EngineReady {
  ModelId model;
};
/// Its process has ended by itself, and what it left behind is being cleared away: it serves nobody
/// any more, and its room is not free yet. EngineGone follows. Ignored unless starting or ready.
struct EngineDied {
  ModelId model;
};
/// Why an engine has ended by itself, for people.
struct EngineFailure {
  std::string cause;   ///< "exited with status 1 after 0.3 s"; empty: it has not, it was stopped
  std::string output;  ///< the last lines of this run, for those who may read its log

  [[nodiscard]] bool empty() const { return cause.empty(); }
  [[nodiscard]] std::string text() const { return output.empty() ? cause : cause + ": " + output; }
};
/// The engine and everything that it left behind is gone. @p failure is empty after a Stop that
/// was obeyed; else the engine counts as failed.
struct EngineGone {
  ModelId model;
  EngineFailure failure;
};
/// An operator asks for the model (API, preload): a place in the queue without a ticket. Closes the
/// model's circuit, since whoever repaired it wants to see it tried.
struct LoadWanted {
  ModelId model;
  std::string why = "an operator asked for it";  ///< for people: who wants it
};
/// Its running requests end within their bound. Who waits for it keeps the place in the queue, and
/// has it loaded again.
struct UnloadWanted {
  std::optional<ModelId> model;    ///< nullopt: all
  std::string by = "an operator";  ///< for people: who or what "unloaded it"
  bool at_once = false;            ///< running requests are cut
  bool stays = false;              ///< it is not to come back for who waits: they are refused
};
/// A new configuration. Models that it lacks are served to the end of their running requests and
/// then stopped; who waits for them is refused. Models in @p relaunch run with a launch that is no
/// longer the configured one: they admit no newcomers, stop when their running requests have ended,
/// and whoever waits gets the new launch. All others keep running. Ignored while shutting down.
struct Reconfigured {
  std::map<ModelId, ModelPolicy, std::less<>> models;
  SchedulePolicy policy;
  std::shared_ptr<const Residency> residency;  ///< never null
  ModelSet relaunch;
};
/// Refuse everybody who waits, stop every engine.
struct ShutdownWanted {
  bool at_once = false;  ///< running requests are cut; may follow a patient one
};
struct Tick {};  ///< next_deadline() has come
using Event = std::variant<Arrived, Left, EngineReady, EngineDied, EngineGone, LoadWanted,
                           UnloadWanted, Reconfigured, ShutdownWanted, Tick>;

enum class StopCause { Evicted, Idle, Unloaded, Abandoned, Reconfigured, Removed, Shutdown };
enum class RefusalCause {
  UnknownModel,  ///< 404; also one that was removed from the configuration meanwhile
  QueueFull,     ///< 429 + Retry-After
  TooLong,       ///< waited give_up: 503 + Retry-After
  LoadFailed,    ///< 503 + Retry-After; detail carries the engine's last words
  CircuitOpen,   ///< 503 + Retry-After: failed too often, not tried again yet
  NoRoom,        ///< 503; it does not fit beside one that is loaded and unevictable
  Unloaded,      ///< the model was unloaded to stay so while the request waited: 503
  ShuttingDown,  ///< 503
};

// What the shell must do now. Each carries its reason in words a person understands.
struct Start {
  ModelId model;
  std::string reason;
  std::optional<Ticket> first;  ///< the oldest of those who wait for it
};
struct Stop {
  ModelId model;
  StopCause cause;
  std::string reason;
  ModelId for_model;  ///< that gets its room; empty: none
};
struct Admit {
  Ticket ticket;
  ModelId model;
};
struct Refuse {
  Ticket ticket;
  RefusalCause cause;
  std::string detail;
  Duration retry_after{0};
  std::string output;  ///< of the engine, see EngineFailure
};
/// Somebody has waited max_wait behind the requests that @p model serves now: those whose clients
/// do not take their answers are to end.
struct Hurry {
  ModelId model;
  std::string reason;
};
using Action = std::variant<Start, Stop, Admit, Refuse, Hurry>;

/// Failed: stopped, and the last run ended by itself.
enum class EngineState { Stopped, Starting, Ready, Stopping, Failed };

/// A picture of the scheduler for `GET /api/queue`, `/running`, `rouse status`.
struct ModelView {
  ModelId model;
  EngineState state = EngineState::Stopped;
  Instant since;     ///< when it entered @p state
  int running = 0;   ///< admitted to this run of the engine and not left
  Duration busy{0};  ///< how long it has served somebody, over all its runs
  int waiting = 0;
  bool draining = false;             ///< admits no newcomers: somebody waited long enough
  std::optional<Instant> unload_at;  ///< by ttl, when nothing else happens
  std::optional<Instant> retry_at;   ///< circuit or back-off: no start before
  std::string last_failure;

  // Why, for people.
  std::string reason;                   ///< of its last start, stop or failure; empty: it never ran
  std::optional<StopCause> stopped_by;  ///< Stopping, or Stopped and not by itself
  std::string leaves;                   ///< Ready, and why it is about to stop; empty: it is not
  std::string held;  ///< wanted and not loaded, and what comes first; empty: it is not
  bool is_load_requested = false;       ///< somebody wants it who is no request
  int failures = 0;                     ///< failed starts in a row
  bool circuit_open = false;            ///< its requests are refused until retry_at
  std::optional<Instant> failed_at;     ///< of last_failure
  std::optional<Instant> abandoned_at;  ///< Starting, and nobody waits: others may have its room
};
struct WaitingView {
  Ticket ticket;
  ModelId model;
  int priority = 0;
  Instant since;
  std::string next;  ///< "starts when planner (2 running) is idle, at the latest in 31 s"
};
struct ScheduleView {
  std::vector<ModelView> models;     ///< every configured model, sorted by id
  std::vector<WaitingView> waiting;  ///< in the order in which they would be served
};

/// Decides which engines run and which requests may proceed.
///
/// A pure state machine: no I/O, no clock, no threads, no exceptions. step() is the only mutator,
/// so the same events at the same instants always give the same actions.
class Scheduler {
 public:
  Scheduler(std::map<ModelId, ModelPolicy, std::less<>> models, SchedulePolicy policy,
            std::shared_ptr<const Residency> residency);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Applies @p event and returns what the shell must do now, in order. @p now never goes back.
  /// A Tick right after any step yields nothing (the step left no work).
  [[nodiscard]] std::vector<Action> step(const Event& event, Instant now);

  /// When step(Tick{}) is next worth calling; nullopt if only an event can change anything.
  [[nodiscard]] std::optional<Instant> next_deadline() const;

  [[nodiscard]] ScheduleView view(Instant now) const;

  /// The place of @p ticket in view().waiting, from 1; 0 if it does not wait. Far cheaper than a
  /// view.
  [[nodiscard]] std::size_t position(Ticket ticket) const;

  /// The models that are started as soon as others have left, which still serve or are stopping.
  [[nodiscard]] std::vector<ModelId> next_loads() const;

  /// No engine runs, starts or stops, and nobody waits: after ShutdownWanted, the shell may leave.
  [[nodiscard]] bool is_quiet() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rouse::core
