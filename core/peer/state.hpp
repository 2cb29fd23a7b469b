#pragma once

#include "core/swap/scheduler.hpp"
#include "core/time.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// What a front knows of a machine that may sleep, and what it does about it (the waking side of
/// the design's handshake). Packets, probes, announcements and requests come in as events.
namespace rouse::core::peer {

enum class Phase {
  Unknown,   ///< nothing was heard of it yet
  Awake,     ///< answers, or did when last asked
  Draining,  ///< has said that it is about to sleep; a request keeps it awake
  Asleep,    ///< has said so, or does not answer
  Waking,    ///< packets go out until it answers
  Failed,    ///< did not wake in time; tried again after a pause
};
[[nodiscard]] std::string_view to_string(Phase phase);

struct Policy {
  bool can_wake = false;           ///< there is a way to wake it
  Duration debounce{2'000};        ///< a request withdrawn within this wakes nothing
  Duration wake_timeout{120'000};  ///< from the first packet to a verified answer
  Duration drain_hold{0};          ///< while it drains: requests wait so long to see it through
  std::size_t held_max = 64;       ///< requests that wait; one more is refused
  std::uint64_t held_bytes_max = 64ULL * 1024 * 1024;  ///< of their bodies in our memory
  Duration hold_max{180'000};                          ///< longest wait of one request
  std::size_t release_max = 8;     ///< of those that waited, on their way to it at once
  Duration backoff_first{15'000};  ///< pause after a wake that failed; doubles
  Duration backoff_max{300'000};
  Duration down_patience{5'000};  ///< for a machine that is up and whose service is not
};

/// Counts the times that the peer has gone to sleep since its boot; with its boot id.
struct Epoch {
  std::uint64_t number = 0;
  std::string boot_id;

  bool operator==(const Epoch&) const = default;
};

// What happened.
struct Wanted {
  Ticket ticket;
  bool may_wake = true;
  std::string why_not;  ///< for a person, when it may not
  bool has_other =
      false;  ///< another peer may serve it: no use in waiting for a service that is down
};
/// The client has gone, or its request has been answered to the end.
struct Left {
  Ticket ticket;
};
/// It was sent, as far as we can tell: another one that waits may follow.
struct Taken {
  Ticket ticket;
};
/// It was admitted, and not one byte of it can have been executed; it waits again, in its old
/// place. @p suspending: the peer itself has said so.
struct TurnedAway {
  Ticket ticket;
  bool suspending = false;
};
/// How much of a waiting request's body is in our memory by now.
struct Grew {
  Ticket ticket;
  std::uint64_t bytes = 0;
};
/// What a probe on a new connection has met.
enum class Sign {
  Answers,     ///< proper service; with an epoch from a peer that has one
  Unwell,      ///< speaks HTTP, and says that it is not ready
  Suspending,  ///< says that it is going to sleep
  Refuses,     ///< the machine is up and nobody listens
  Silent,
};
struct Probed {
  std::uint64_t probe = 0;
  Sign sign = Sign::Silent;
  std::optional<Epoch> epoch;
};
/// A word of the peer itself, over the stream of its power events.
struct Announced {
  enum class PowerState { Awake, Draining, Suspending };
  PowerState power = PowerState::Awake;
  Epoch epoch;
};
[[nodiscard]] std::string_view to_string(Announced::PowerState power);  ///< "awake", "suspending"
struct AnnouncementsLost {};  ///< the stream of the peer's power events has ended
/// It is no longer configured, or the program ends: nobody is asked, and nobody waits, any more.
struct Retired {
  std::string why;  ///< for a person
};
struct WakeWanted {};  ///< by an operator, or by a request that does not wait for it
struct Tick {};        ///< next_deadline() has come
using Event = std::variant<Wanted, Left, Taken, TurnedAway, Grew, Probed, Announced,
                           AnnouncementsLost, Retired, WakeWanted, Tick>;

enum class Cause {
  NotWoken,     ///< asleep, and this request may not wake it: another peer may do
  WakeFailed,   ///< did not wake: another peer may do
  Unreachable,  ///< up, and its service is not: another peer may do
  HeldTooMany,
  HeldTooLong,
};

// What the shell must do.
struct Admit {
  Ticket ticket;
};
struct Refuse {
  Ticket ticket;
  Cause cause;
  std::string detail;
  Duration retry_after{0};
};
/// Send one packet on each path.
struct SendVolley {
  int number = 1;  ///< since the wake began
};
/// Ask the peer on a new connection; exactly one Probed follows, within two seconds.
struct Probe {
  std::uint64_t probe = 0;
  Duration connect{1'000};
};
/// Cut every idle connection to it: what is written to one may be executed after its sleep.
struct DropConnections {};
struct Entered {
  Phase from;
  Phase to;
  std::string reason;
};
struct WakeEnded {
  enum class Outcome { Ok, Timeout, Cancelled };
  Outcome outcome = Outcome::Ok;
  Duration took{0};
};
using Action = std::variant<Admit, Refuse, SendVolley, Probe, DropConnections, Entered, WakeEnded>;

struct View {
  Phase phase = Phase::Unknown;
  Instant since;
  std::string reason;
  bool service_down = false;  ///< the machine is up, its service is not
  std::size_t waiting = 0;
  std::uint64_t held_bytes = 0;
  std::optional<Epoch> epoch;          ///< as last heard; nullopt: a peer that has none
  std::optional<Instant> retry_at;     ///< after a failed wake
  int volleys = 0;                     ///< of this wake
  int failures = 0;                    ///< wakes in a row that did not wake it
  std::optional<Instant> gives_up_at;  ///< Waking, and it has not answered by then
  std::optional<Instant> heard_at;     ///< its last word or answer, if only that nobody listens
};

/// What is worth keeping over a restart of the front.
struct Memory {
  bool asleep = false;
  std::optional<Epoch> slept;  ///< the sleep that was last announced
};

/// Decides for one peer when requests go out, wait or are refused, when packets are sent and when
/// the peer is asked.
///
/// A pure state machine like the Scheduler: step() is the only mutator, and @p now, from a clock
/// that stands still while the front itself sleeps, never goes back.
///
/// Its many members are the moments that its phases are judged by; each is read in more than one
/// phase, so that a value for each phase would copy most of them along.
class State {
 public:
  explicit State(Policy policy, const Memory& memory = {}, Instant now = {});

  [[nodiscard]] std::vector<Action> step(const Event& event, Instant now);
  [[nodiscard]] std::optional<Instant> next_deadline() const;
  /// For those who wait as for those who come.
  void adopt(Policy policy) { policy_ = policy; }

  [[nodiscard]] View view() const;
  [[nodiscard]] Memory memory() const;

 private:
  struct Held {
    Ticket ticket;
    Instant since;
    bool may_wake = true;
    std::string why_not;
    bool has_other = false;
    std::uint64_t bytes = 0;
    int turned_away = 0;
  };
  using Order = std::uint64_t;

  void on(const Wanted& event);
  void on(const Left& event);
  void on(const Taken& event);
  void on(const TurnedAway& event);
  void on(const Grew& event);
  void on(const Probed& event);
  void on(const Announced& event);
  void on(const AnnouncementsLost& event);
  void on(const Retired& event);
  void on(const WakeWanted& event);
  void on(const Tick&) {}

  void enter(Phase phase, std::string reason);
  void fall_asleep(std::string reason);
  void wake(std::string reason);
  void probe(Duration connect);
  void settle();
  void settle_phase();
  void settle_doubt();
  void settle_asleep();
  void settle_waking();
  void settle_failed();
  void release();
  void fail_wake();
  void refuse(Order order, Cause cause, std::string detail, Duration retry_after);
  void refuse_all(Cause cause, const std::string& detail, Duration retry_after);
  void refuse_overdue();
  [[nodiscard]] bool is_news(const Epoch& epoch, Announced::PowerState power) const;
  [[nodiscard]] bool is_past_sleep(const std::optional<Epoch>& epoch) const;
  [[nodiscard]] bool somebody_may_wake() const;
  [[nodiscard]] std::uint64_t held_bytes() const;

  Policy policy_;
  Phase phase_ = Phase::Unknown;
  Instant since_{};
  std::string reason_;
  Instant now_{};
  std::vector<Action> actions_;

  std::map<Order, Held> held_;                    // in order of arrival
  std::map<Ticket, std::pair<Order, Held>> out_;  // admitted, not left
  std::set<Ticket> released_;                     // of those that waited: admitted, not sent
  Order next_order_ = 0;

  std::optional<std::uint64_t> probe_;  // in flight
  std::uint64_t next_probe_ = 1;
  std::optional<Instant> probed_at_;  // the last one's start
  std::optional<Instant> denied_at_;  // when we were told that it sleeps or refuses; not yet asked
                                      // again
  bool doubt_ = false;                // it may not be what phase_ says: ask before anything else
  bool service_down_ = false;
  std::optional<Instant> down_since_;

  std::optional<Epoch> epoch_;
  std::optional<Epoch> slept_;  // of the last sleep that was announced
  std::optional<Instant> slept_at_;
  std::optional<Instant> heard_at_;
  bool wake_asked_ = false;  // by an operator
  Instant wake_began_{};
  int volleys_ = 0;
  Instant volley_at_{};
  int failures_ = 0;
  Instant retry_at_{};
  std::optional<std::string> retired_;  // why
};

}  // namespace rouse::core::peer
