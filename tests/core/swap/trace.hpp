#pragma once

#include "core/swap/scheduler.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace rouse::core::test {

// What clients do, written down before anybody decides: the same traces are played to the
// scheduler, to other rules, and to somebody who knows them in advance. All models are exclusive.

struct TraceStep {
  std::size_t model = 0;
  Duration think{0};    ///< before it is asked, after what it waits for
  Duration service{0};  ///< from its admission to its end
  /// Other chains, each with the number of steps that it must have ended; they are its last then.
  std::vector<std::pair<std::size_t, std::size_t>> join;
};

/// One loop of one client: a step is asked when the one before it has ended.
struct TraceChain {
  std::uint64_t client = 0;  ///< key, address, agent and session; a chain is one connection
  std::vector<TraceStep> steps;
  bool is_new_each_time = false;  ///< nobody can tell that it is one: each step is a new client's
};

struct TraceModel {
  ModelId id;
  Duration load{0};
  Duration stop{0};
};

struct Trace {
  std::string name;
  std::vector<TraceModel> models;
  std::vector<TraceChain> chains;
};

struct TraceOutcome {
  Duration total{0};  ///< until the last answer
  int swaps = 0;      ///< loads
  Duration longest{0};
  Duration waited{0};  ///< by all
  bool is_known = true;
};

/// How the traces' engines behave, where a load takes @p load.
[[nodiscard]] std::vector<Trace> make_traces(Duration load);

/// Decides like Scheduler::step, by a simpler rule.
class TraceRule {
 public:
  virtual ~TraceRule() = default;
  [[nodiscard]] virtual std::vector<Action> step(const Event& event, Instant now) = 0;
  [[nodiscard]] virtual std::optional<Instant> next_deadline() const { return std::nullopt; }
};

[[nodiscard]] TraceOutcome play(const Trace& trace, TraceRule& rule);

/// Nobody passes anybody: the next is served when its model is there.
[[nodiscard]] TraceOutcome first_come_first_served(const Trace& trace);
/// A ready model serves whoever comes; when it is idle, the oldest of those who wait gets its room,
/// and all who want the same join.
[[nodiscard]] TraceOutcome llama_swaps_rule(const Trace& trace);
[[nodiscard]] TraceOutcome rouses_rule(const Trace& trace, const SchedulePolicy& policy);

/// The shortest total of all who know the trace. @p on_demand: a load begins when somebody has
/// asked for it, as for everybody else; without, it may begin before. A total above @p bound is not
/// looked for. Not known: it would have taken too long.
[[nodiscard]] TraceOutcome offline_optimum(const Trace& trace, bool on_demand, Duration bound);

}  // namespace rouse::core::test
