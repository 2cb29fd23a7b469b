#pragma once

#include "core/swap/gaps.hpp"
#include "core/swap/scheduler.hpp"
#include "core/time.hpp"

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace rouse::core {

/// Which clients have requests in flight, and who of them is one: somebody who waits for one answer
/// asks nothing else meanwhile, but behind one key and address there may be several. They show by
/// requests that are in flight together; not by one that comes a moment before we have seen the
/// last one end.
class Clients {
 public:
  void came(const Caller& caller, Instant now);
  void admitted(const Caller& caller);
  void left(const Caller& caller, bool was_admitted, Instant now);

  /// Whether @p caller may ask for something now: false while it waits for something else.
  [[nodiscard]] bool may_ask(const Caller& caller, Instant now) const;

 private:
  struct Presence {
    int waiting = 0;
    int running = 0;
    Instant together_since{};             // while two or more are in flight
    Instant several_at = Instant::min();  // when it was last seen to be several

    [[nodiscard]] int in_flight() const { return waiting + running; }
  };
  void forget(Instant now);

  std::unordered_map<std::uint64_t, Presence> clients_;
  std::unordered_map<std::uint64_t, int> waiting_connections_;
};

/// How long an idle model is worth being kept for its next request while somebody waits for its
/// room, and why.
struct Stay {
  enum class Why {
    NobodyComes,     ///< nobody is known who might
    WaitsElsewhere,  ///< who might come waits for something else
    ComesLate,       ///< by then a swap costs less
    Expected,        ///< for that long it is likely enough
  };
  Duration length{0};
  Why why = Why::NobodyComes;
};

/// Who has used one model, and when each of them usually asks for it again.
class Followers {
 public:
  /// A request has come; @p idle_since: since when nobody had used the model, if nobody did.
  void came(const Caller& caller, Instant now, const Instant* idle_since);
  /// It has been served (or has left before, then it does not count).
  void left(const Caller& caller, Instant now, bool was_served);

  /// The time after @p idle_since for which to wait for the next request, where to get the model
  /// back costs @p cost: so that waiting and reloading cost the least in expectation. @p was_used:
  /// by a request, since it is there.
  [[nodiscard]] Stay worth(Duration cost, Instant idle_since, bool was_used, const Clients& clients,
                           Instant now) const;

  /// Whether they usually come for one request, and again only when it costs less to load it anew.
  [[nodiscard]] bool are_brief(Duration cost) const;
  [[nodiscard]] bool knows(const Caller& caller) const;
  /// When the next request of somebody usually comes.
  [[nodiscard]] const Gaps& usual() const { return usual_; }
  void recall(const Gaps& usual) { usual_ = usual; }

 private:
  struct Follower {
    Caller caller;  // with its last connection
    int in_flight = 0;
    bool has_ended = false;
    Instant ended{};
    Gaps gaps;
  };
  Follower& follower(const Caller& caller);

  std::vector<Follower> known_;
  Gaps usual_;
  Gaps strangers_ = Gaps::of_nobody();  // of those that had not used it before
};

}  // namespace rouse::core
