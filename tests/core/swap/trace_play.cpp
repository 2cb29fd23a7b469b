// Plays a trace to a rule: engines that take their time, clients that wait for their answers.

#include "tests/core/swap/residency_rules.hpp"
#include "tests/core/swap/trace.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace rouse::core::test {

namespace {

class Player {
 public:
  Player(const Trace& trace, TraceRule& rule)
      : trace_(trace), rule_(rule), done_(trace.chains.size(), 0), asked_(done_) {}

  TraceOutcome run() {
    ask_who_may();
    for (;;) {
      const Instant tick = rule_.next_deadline().value_or(Instant::max());
      if (agenda_.empty() && tick == Instant::max()) break;
      if (left_ == 0 && agenda_.empty()) break;
      if (agenda_.empty() || tick < agenda_.begin()->first) {
        now_ = tick;
        step(Tick{});
        continue;
      }
      now_ = agenda_.begin()->first;
      const Event event = agenda_.begin()->second;
      agenda_.erase(agenda_.begin());
      if (const auto* arrived = std::get_if<Arrived>(&event)) came_[arrived->ticket] = now_;
      const auto* left = std::get_if<Left>(&event);
      step(event);
      if (left != nullptr) answered(chain_of(left->ticket));
    }
    for (std::size_t i = 0; i < done_.size(); ++i) {
      if (done_[i] != trace_.chains[i].steps.size()) outcome_.is_known = false;
    }
    return outcome_;
  }

 private:
  [[nodiscard]] std::size_t chain_of(Ticket ticket) const {
    return static_cast<std::size_t>(ticket) % trace_.chains.size();
  }
  [[nodiscard]] const TraceModel& model_of(const ModelId& id) const {
    return *std::find_if(trace_.models.begin(), trace_.models.end(),
                         [&](const TraceModel& model) { return model.id == id; });
  }

  void ask_who_may() {
    for (std::size_t i = 0; i < trace_.chains.size(); ++i) {
      const TraceChain& chain = trace_.chains[i];
      if (asked_[i] > done_[i] || done_[i] == chain.steps.size()) continue;
      const TraceStep& step = chain.steps[done_[i]];
      const bool may = std::all_of(step.join.begin(), step.join.end(), [&](const auto& join) {
        return done_[join.first] >= join.second;
      });
      if (!may) continue;
      const Ticket ticket{(asked_[i]++ + 1) * trace_.chains.size() + i};
      Arrived arrived{ticket, trace_.models[step.model].id};
      arrived.caller = {chain.client, i + 1};
      if (chain.is_new_each_time) {
        const auto stranger = 1'000 + static_cast<std::uint64_t>(ticket);
        arrived.caller = {stranger, stranger};
      }
      agenda_.emplace(now_ + step.think, arrived);
      ++left_;
    }
  }

  void answered(std::size_t chain) {
    --left_;
    ++done_[chain];
    outcome_.total = now_.time_since_epoch() - kStart;
    ask_who_may();
  }

  void step(const Event& event) {
    for (const Action& action : rule_.step(event, now_)) {
      if (const auto* start = std::get_if<Start>(&action)) {
        ++outcome_.swaps;
        agenda_.emplace(now_ + model_of(start->model).load, EngineReady{start->model});
      } else if (const auto* stop = std::get_if<Stop>(&action)) {
        agenda_.emplace(now_ + model_of(stop->model).stop, EngineGone{stop->model, {}});
      } else if (const auto* admit = std::get_if<Admit>(&action)) {
        const std::size_t chain = chain_of(admit->ticket);
        const Duration waited = now_ - came_.at(admit->ticket);
        outcome_.longest = std::max(outcome_.longest, waited);
        outcome_.waited += waited;
        agenda_.emplace(now_ + trace_.chains[chain].steps[done_[chain]].service,
                        Left{admit->ticket});
      }
    }
  }

  static constexpr Duration kStart{3'600'000};

  const Trace& trace_;
  TraceRule& rule_;
  std::vector<std::size_t> done_;
  std::vector<std::size_t> asked_;
  std::multimap<Instant, Event> agenda_;
  std::map<Ticket, Instant> came_;
  TraceOutcome outcome_;
  int left_ = 0;
  Instant now_{kStart};
};

/// What the two simple rules share: one engine at a time, and who waits.
class OneAtATime : public TraceRule {
 public:
  explicit OneAtATime(bool newcomers_pass) : newcomers_pass_(newcomers_pass) {}

  std::vector<Action> step(const Event& event, Instant) override {
    std::vector<Action> out;
    if (const auto* arrived = std::get_if<Arrived>(&event)) {
      waiting_.push_back({arrived->ticket, arrived->model});
    } else if (std::holds_alternative<Left>(event)) {
      --running_;
    } else if (const auto* ready = std::get_if<EngineReady>(&event)) {
      is_ready_ = true;
      (void)ready;
    } else if (std::holds_alternative<EngineGone>(event)) {
      resident_.clear();
    }
    if (is_ready_) admit(out);
    if (waiting_.empty() || running_ > 0) return out;
    if (is_ready_) {
      is_ready_ = false;
      out.push_back(Stop{resident_, StopCause::Evicted, "", waiting_.front().second});
    } else if (resident_.empty()) {
      resident_ = waiting_.front().second;
      out.push_back(Start{resident_, "", waiting_.front().first});
    }
    return out;
  }

 private:
  void admit(std::vector<Action>& out) {
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      if (it->second == resident_) {
        out.push_back(Admit{it->first, resident_});
        ++running_;
        it = waiting_.erase(it);
      } else if (newcomers_pass_) {
        ++it;
      } else {
        return;
      }
    }
  }

  const bool newcomers_pass_;
  std::deque<std::pair<Ticket, ModelId>> waiting_;
  ModelId resident_;
  bool is_ready_ = false;
  int running_ = 0;
};

class Ours final : public TraceRule {
 public:
  Ours(const Trace& trace, const SchedulePolicy& policy)
      : scheduler_(models_of(trace), policy, std::make_shared<PairRule>()) {}

  std::vector<Action> step(const Event& event, Instant now) override {
    return scheduler_.step(event, now);
  }
  [[nodiscard]] std::optional<Instant> next_deadline() const override {
    return scheduler_.next_deadline();
  }

 private:
  static std::map<ModelId, ModelPolicy, std::less<>> models_of(const Trace& trace) {
    std::map<ModelId, ModelPolicy, std::less<>> models;
    for (const TraceModel& model : trace.models) models[model.id];
    return models;
  }

  Scheduler scheduler_;
};

}  // namespace

TraceOutcome play(const Trace& trace, TraceRule& rule) {
  return Player(trace, rule).run();
}

TraceOutcome first_come_first_served(const Trace& trace) {
  OneAtATime rule(false);
  return play(trace, rule);
}

TraceOutcome llama_swaps_rule(const Trace& trace) {
  OneAtATime rule(true);
  return play(trace, rule);
}

TraceOutcome rouses_rule(const Trace& trace, const SchedulePolicy& policy) {
  Ours rule(trace, policy);
  return play(trace, rule);
}

}  // namespace rouse::core::test
