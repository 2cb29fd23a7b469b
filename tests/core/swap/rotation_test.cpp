// Two coding agents take turns on two models of which only one fits: what a swap policy is worth.

#include "core/swap/describe.hpp"
#include "core/swap/scheduler.hpp"
#include "tests/core/swap/print.hpp"
#include "tests/core/swap/residency_rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace rouse::core::test {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLoad = 10s;
constexpr Duration kStop = 1s;
constexpr int kRequests = 200;  // of each agent

/// An agent sends its next request a moment after it has its answer.
struct Request {
  Duration service;
  Duration pause;  ///< before it, after the answer to the one before
};

std::map<ModelId, std::vector<Request>> two_agents() {
  std::mt19937 random(7);
  std::map<ModelId, std::vector<Request>> agents{{"a", {}}, {"b", {}}};
  for (auto& [model, requests] : agents) {
    for (int i = 0; i < kRequests; ++i) {
      requests.push_back({Duration{1'000 + static_cast<int>(random() % 9'000)},
                          Duration{50 + static_cast<int>(random() % 1'950)}});
    }
  }
  return agents;
}

struct Outcome {
  int loads = 0;
  int served = 0;
  Duration longest{0};  ///< wait
  Duration total{0};    ///< until the last answer
};

/// Strictly first come, first served, with the same engines.
Outcome first_come_first_served() {
  const auto agents = two_agents();
  Outcome outcome;
  std::map<ModelId, std::pair<std::size_t, Duration>> next;  // request, when it comes
  for (const auto& [model, requests] : agents) next[model] = {0, requests.front().pause};
  ModelId resident;
  Duration now{0};
  while (!next.empty()) {
    const auto it = std::min_element(next.begin(), next.end(), [](const auto& a, const auto& b) {
      return a.second.second < b.second.second;
    });
    const auto& [model, requests] = *agents.find(it->first);
    auto& [index, arrival] = it->second;
    now = std::max(now, arrival);
    if (resident != model) {
      now += (resident.empty() ? Duration{0} : kStop) + kLoad;
      resident = model;
      ++outcome.loads;
    }
    outcome.longest = std::max(outcome.longest, now - arrival);
    now += requests[index].service;
    ++outcome.served;
    if (++index == requests.size()) {
      next.erase(it);
    } else {
      arrival = now + requests[index].pause;
    }
  }
  outcome.total = now;
  return outcome;
}

/// The same agents in front of the scheduler.
class Rotation {
 public:
  explicit Rotation(const SchedulePolicy& policy)
      : scheduler_({{"a", {}}, {"b", {}}}, policy, std::make_shared<PairRule>()) {}

  Outcome run() {
    for (const auto& [model, requests] : agents_) come(model, 0);
    for (;;) {
      const Instant tick = scheduler_.next_deadline().value_or(Instant::max());
      if (agenda_.empty() && tick == Instant::max()) break;
      if (agenda_.empty() || tick < agenda_.begin()->first) {
        now_ = tick;
        step(Tick{});
        continue;
      }
      now_ = agenda_.begin()->first;
      const Event event = agenda_.begin()->second;
      agenda_.erase(agenda_.begin());
      if (const auto* arrived = std::get_if<Arrived>(&event)) arrived_at_[arrived->ticket] = now_;
      if (const auto* left = std::get_if<Left>(&event)) answered(left->ticket);
      step(event);
    }
    return outcome_;
  }

 private:
  static Ticket ticket_of(const ModelId& model, std::size_t index) {
    return Ticket{2 * index + (model == "a" ? 0 : 1)};
  }

  void come(const ModelId& model, std::size_t index) {
    const auto& requests = agents_.at(model);
    if (index == requests.size()) return;
    agenda_.emplace(now_ + requests[index].pause, Arrived{ticket_of(model, index), model});
  }

  void answered(Ticket ticket) {
    const auto n = static_cast<std::size_t>(ticket);
    ++outcome_.served;
    outcome_.total = now_.time_since_epoch();
    come(n % 2 == 0 ? "a" : "b", n / 2 + 1);
  }

  void step(const Event& event) {
    for (const Action& action : scheduler_.step(event, now_)) {
      if (const auto* start = std::get_if<Start>(&action)) {
        ++outcome_.loads;
        agenda_.emplace(now_ + kLoad, EngineReady{start->model});
      } else if (const auto* stop = std::get_if<Stop>(&action)) {
        agenda_.emplace(now_ + kStop, EngineGone{stop->model, {}});
      } else if (const auto* admit = std::get_if<Admit>(&action)) {
        outcome_.longest = std::max(outcome_.longest, now_ - arrived_at_.at(admit->ticket));
        const auto n = static_cast<std::size_t>(admit->ticket);
        agenda_.emplace(now_ + agents_.at(admit->model)[n / 2].service, Left{admit->ticket});
      } else if (!std::holds_alternative<Hurry>(action)) {
        ADD_FAILURE() << action;
      }
    }
  }

  const std::map<ModelId, std::vector<Request>> agents_ = two_agents();
  Scheduler scheduler_;
  std::multimap<Instant, Event> agenda_;
  std::map<Ticket, Instant> arrived_at_;
  Outcome outcome_;
  Instant now_{};
};

void show(const char* name, const Outcome& o) {
  std::printf("%-34s %4d loads, longest wait %6s, all done after %s\n", name, o.loads,
              to_string(o.longest).c_str(), to_string(o.total).c_str());
}

TEST(Rotation, TwoAgentsSwapLessOftenThanFirstComeFirstServed) {
  const Outcome fifo = first_come_first_served();
  const SchedulePolicy policy;
  const Outcome ours = Rotation(policy).run();
  SchedulePolicy impatient;
  impatient.max_wait = 30s;
  const Outcome quick = Rotation(impatient).run();
  SchedulePolicy restless;
  restless.linger = Duration{0};
  const Outcome without_linger = Rotation(restless).run();

  show("first come, first served:", fifo);
  show("rouse, defaults:", ours);
  show("rouse, maxWait 30s:", quick);
  show("rouse, linger 0s:", without_linger);

  EXPECT_EQ(ours.served, 2 * kRequests);
  EXPECT_EQ(fifo.served, 2 * kRequests);
  EXPECT_LE(without_linger.loads, fifo.loads);
  EXPECT_LT(2 * ours.loads, fifo.loads);
  EXPECT_LT(ours.total, fifo.total);
  // Beyond the bound there is only what cannot be avoided: one request's end, stop and load.
  EXPECT_LE(ours.longest, policy.max_wait + 10s + kStop + kLoad);
  EXPECT_LE(quick.longest, impatient.max_wait + 10s + kStop + kLoad);
}

}  // namespace
}  // namespace rouse::core::test
