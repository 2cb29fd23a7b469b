#pragma once

#include "core/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// May the machine sleep? The proxy's half of the handshake with the daemon that suspends it.
namespace rouse::core::power {

enum class State {
  Awake,
  Draining,    ///< a lease is held: sleep is prepared, and any work cancels it
  Suspending,  ///< committed: no work is taken any more until the machine has slept, or has not
};
[[nodiscard]] std::string_view to_string(State state);  ///< "awake", "draining", "suspending"

/// One thing that needs the machine.
struct Busy {
  std::string kind;   ///< inflight, queued, upload, held, starting, management
  std::string model;  ///< empty: none, or not known yet
  Duration age{};
  std::uint64_t id = 0;  ///< of a request; 0: it is none
};

/// The clocks of one moment. @p gap is how much further CLOCK_BOOTTIME is than CLOCK_MONOTONIC: it
/// grows by the time slept, and by nothing else.
struct Clocks {
  Instant mono;
  Duration gap{};
};

// What happened.
/// A lease is asked for. Refused while anything is @p busy or another lease is held.
struct DrainAsked {
  std::string lease;
  Duration ttl{};
  std::string reason;
  std::vector<Busy> busy;
  /// An operator wants the sleep now: whatever runs goes on after it, and work that comes is turned
  /// away instead of ending the lease.
  bool force = false;
};
struct UnloadAsked {
  std::string lease;  ///< its ttl begins anew
};
/// Answered by Committed or CommitCancelled, later; in `suspending`, where the same lease asks for
/// more time, by Renewed.
struct CommitAsked {
  std::string lease;
  std::vector<Busy> busy;
  std::size_t subscribers = 0;  ///< who hears the announcement and may acknowledge it
};
struct ReleaseAsked {
  std::string lease;
};
/// The connection on which the lease was given has ended.
struct HolderGone {
  std::string lease;
};
struct SubscriberAcked {
  std::uint64_t epoch = 0;
};
struct SubscriberGone {};
struct ListenerClosed {};  ///< what CloseListener asked for is done
/// The daemon says that the machine has slept, or (@p slept zero) that it did not.
struct ResumeReported {
  std::uint64_t epoch = 0;
  Duration slept{};
  std::string wake;
};
/// Something that only an awake machine can do: inference, or the management of models. Answered
/// with AdmitWork or RefuseWork.
struct WorkArrived {
  std::string what;
};
struct WorkEnded {};  ///< of an admitted one
struct Tick {};       ///< next_deadline() has come, or it is time to look at the clocks
using Event =
    std::variant<DrainAsked, UnloadAsked, CommitAsked, ReleaseAsked, HolderGone, SubscriberAcked,
                 SubscriberGone, ListenerClosed, ResumeReported, WorkArrived, WorkEnded, Tick>;

// What the shell must do now, in this order.
struct Grant {  ///< answers DrainAsked
  std::string lease;
  std::uint64_t epoch = 0;
  Duration idle{};  ///< since the end of the last work
};
struct StartUnload {  ///< answers UnloadAsked
  std::string lease;
};
struct Committed {  ///< the commit is done: logind may be called
  std::string lease;
  std::uint64_t epoch = 0;
  std::size_t acks = 0;
  std::size_t subscribers = 0;
};
struct CommitCancelled {  ///< the commit was not: the machine is awake again
  std::string lease;
  std::string text;
};
struct Renewed {
  std::uint64_t epoch = 0;
};
struct Released {  ///< answers ReleaseAsked
  std::string lease;
};
struct ResumeAcknowledged {  ///< answers ResumeReported
  std::uint64_t epoch = 0;
};
enum class Deny {
  Busy,   ///< see the list
  Held,   ///< somebody else has the lease
  Gone,   ///< there is no such lease (any more)
  Stale,  ///< the epoch is of another sleep
};
[[nodiscard]] std::string_view to_string(Deny deny);
struct Refuse {  ///< answers whatever was asked
  std::string lease;
  Deny why = Deny::Gone;
  std::string text;
  std::vector<Busy> busy;
};
/// The lease has ended; goes to its holder at once.
struct Cancel {
  std::string lease;
  bool was_committed = false;
  std::string by;  ///< request, ttl, release, gone, slept, resumed, timeout
  std::string text;
};
struct Announce {
  State state = State::Awake;
  std::string reason;
};
/// End the idle connections, answer what was accepted, stop listening; then ListenerClosed.
struct CloseListener {};
struct OpenListener {};  ///< listen again, before anything else
/// The machine is awake after a sleep, or after one that did not happen (@p slept zero).
struct ResumeDetected {
  Duration slept{};
  std::string wake;     ///< as the daemon says; empty: not known
  std::string noticed;  ///< how it was found out: resumed, clock, timeout, release
  bool is_news = true;  ///< false: only now the reason of a wake that is known is told
};
struct AdmitWork {};
struct RefuseWork {};  ///< 503, "suspending": not executed, wake the machine and send it again
using Action = std::variant<Grant, StartUnload, Committed, CommitCancelled, Renewed, Released,
                            ResumeAcknowledged, Refuse, Cancel, Announce, CloseListener,
                            OpenListener, ResumeDetected, AdmitWork, RefuseWork>;

struct Policy {
  Duration ttl_max{600'000};
  Duration ack_wait{1'000};       ///< for the subscribers to hear that the machine goes
  Duration suspend_wait{30'000};  ///< awake this long after a commit: it does not sleep after all
  Duration gap_min{500};          ///< a smaller jump between the clocks is no sleep
};

/// The machine's state as those who send it work see it. One lease at a time, which a request in
/// `draining` takes away; after the commit no work is admitted until the machine is awake again, as
/// the daemon, the clocks or the time limit will tell, whatever dies.
///
/// The epoch counts commits and returns: it is higher after each sleep than before it.
class Lease {
 public:
  /// @p epoch: higher than any that an earlier run in this boot had.
  Lease(std::uint64_t epoch, Clocks now, Policy policy = {});

  [[nodiscard]] std::vector<Action> step(const Event& event, Clocks now);
  /// When a Tick is due at the latest; Instant::max(): never.
  [[nodiscard]] Instant next_deadline() const;

  [[nodiscard]] State state() const { return state_; }
  /// No work is admitted.
  [[nodiscard]] bool refuses_work() const {
    return state_ == State::Suspending || (state_ == State::Draining && forced_);
  }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  [[nodiscard]] Instant since() const { return since_; }             ///< when the state was entered
  [[nodiscard]] const std::string& lease() const { return lease_; }  ///< empty: none is held
  [[nodiscard]] const std::string& reason() const { return reason_; }  ///< of the lease
  [[nodiscard]] std::size_t running() const { return running_; }       ///< admitted and not ended
  /// Since the end of the last work; zero while some runs.
  [[nodiscard]] Duration idle(Instant now) const;

 private:
  void notice_sleep();
  void on(const DrainAsked& asked);
  void on(const UnloadAsked& asked);
  void on(const CommitAsked& asked);
  void on(const ReleaseAsked& asked);
  void on(const HolderGone& gone);
  void on(const SubscriberAcked& acked);
  void on(const SubscriberGone&);
  void on(const ListenerClosed&);
  void on(const ResumeReported& told);
  void on(const WorkArrived& work);
  void on(const WorkEnded&);
  void on(const Tick&);

  void enter(State state);
  void cancel(std::string by, std::string text);
  void wake_up(Duration slept, std::string wake, std::string noticed);
  void close_listener_if_heard();
  void refuse(const std::string& lease, Deny why, std::string text, std::vector<Busy> busy = {});
  [[nodiscard]] bool holds(const std::string& lease) const;

  enum class ListenerState { Open, Closing, Closed };

  Policy policy_;
  Instant now_;
  Duration gap_;
  std::vector<Action> actions_;

  State state_ = State::Awake;
  std::uint64_t epoch_;
  Instant since_;
  Instant last_work_;
  std::size_t running_ = 0;

  std::string lease_;
  std::string reason_;
  bool forced_ = false;
  Duration ttl_{};
  Instant expires_ = Instant::max();   // of the lease, or of `suspending`
  Instant heard_by_ = Instant::max();  // when the doors close without the missing acks
  std::size_t subscribers_ = 0;        // when the commit came
  std::size_t acks_ = 0;
  std::size_t unheard_ = 0;  // subscribers that may still acknowledge
  ListenerState listener_ = ListenerState::Open;
  Duration jump_{};  // the sleep that this step has noticed
};

}  // namespace rouse::core::power
