// Every event has an answer in every state. The answers are listed in scheduler_table.txt, one line
// for each pair; a line that changes must be meant to change.

#include "tests/core/swap/scheduler_bench.hpp"
#include "tests/tree/tree.hpp"

#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace rouse::core::test {
namespace {

using namespace std::chrono_literals;

// Ticket 1 is admitted to a, 2 waits for a, 3 waits for b, wherever the state has such a one.
struct Named {
  std::string name;
  std::function<void(SchedulerBench&)> reach;
};

const std::vector<Named>& states() {
  static const std::vector<Named> all{
      {"stopped", [](auto&) {}},
      {"starting", [](auto& s) { s.arrive(2, "a"); }},
      {"starting, nobody waits", [](auto& s) { s.arrive(2, "a"), s.leave(2); }},
      {"starting, b waits", [](auto& s) { s.arrive(2, "a"), s.arrive(3, "b"); }},
      {"ready, idle", [](auto& s) { s.load("a"), s.ready("a"); }},
      {"ready, busy", [](auto& s) { s.arrive(1, "a"), s.ready("a"); }},
      {"ready, full", [](auto& s) { s.arrive(1, "a"), s.ready("a"), s.arrive(2, "a"); }},
      {"ready, b waits", [](auto& s) { s.arrive(1, "a"), s.ready("a"), s.arrive(3, "b"); }},
      {"draining",
       [](auto& s) {
         s.arrive(1, "a"), s.ready("a"), s.arrive(3, "b"), s.wait(60s), s.arrive(2, "a");
       }},
      {"unloading", [](auto& s) { s.arrive(1, "a"), s.ready("a"), s.unload("a"); }},
      {"stopping", [](auto& s) { s.load("a"), s.ready("a"), s.unload("a"); }},
      {"stopping, wanted",
       [](auto& s) { s.load("a"), s.ready("a"), s.unload("a"), s.arrive(2, "a"); }},
      {"stopping for b", [](auto& s) { s.load("a"), s.ready("a"), s.arrive(3, "b"); }},
      {"backing off", [](auto& s) { s.arrive(1, "a"), s.gone("a", "broken"), s.arrive(2, "a"); }},
      {"circuit open",
       [](auto& s) {
         for (int n = 11; n < 14; ++n) s.arrive(n, "a"), s.wait(30s), s.gone("a", "broken");
       }},
      {"shutting down", [](auto& s) { s.arrive(1, "a"), s.ready("a"), s.shut_down(); }},
      {"shut down", [](auto& s) { s.shut_down(); }},
  };
  return all;
}

const std::vector<Event>& events() {
  static const std::vector<Event> all{
      Arrived{ticket(9), "a"},
      Arrived{ticket(9), "b"},
      Arrived{ticket(1), "a"},
      Left{ticket(1)},
      Left{ticket(2)},
      Left{ticket(3)},
      Left{ticket(99)},
      EngineReady{"a"},
      EngineReady{"nobody"},
      EngineDied{"a"},
      EngineDied{"nobody"},
      EngineGone{"a", {}},
      EngineGone{"a", {"broken", "its last line"}},
      EngineGone{"nobody", {}},
      LoadWanted{"a"},
      LoadWanted{"b"},
      LoadWanted{"nobody"},
      UnloadWanted{"a"},
      UnloadWanted{std::nullopt},
      UnloadWanted{"nobody"},
      UnloadWanted{"a", "an operator", true, false},
      UnloadWanted{"a", "an operator", false, true},
      ShutdownWanted{},
      ShutdownWanted{true},
      Tick{},
  };
  return all;
}

/// Whatever came before, a shutdown ends it.
void expect_an_end(SchedulerBench& s) {
  s.shut_down();
  s.wait(60s);
  for (const ModelId model : {"a", "b"}) s.gone(model);
  EXPECT_TRUE(s.scheduler().is_quiet());
  EXPECT_EQ(s.scheduler().next_deadline(), std::nullopt);
  EXPECT_TRUE(s.view().waiting.empty());
}

std::string table() {
  std::string text;
  for (const Named& state : states()) {
    for (const Event& event : events()) {
      SCOPED_TRACE(state.name + " | " + to_string(event));
      auto s = exclusive(plain_policy(), {{"a", {.concurrency = 1}}, {"b", {}}});
      state.reach(s);
      std::string done;
      for (const Action& action : s.step(event)) {
        done += (done.empty() ? "" : ", ") + to_string(action);
      }
      text += state.name + " | " + to_string(event) + " | " + (done.empty() ? "-" : done) +
              " | a " + std::string(to_string(s.model("a").state)) + "\n";
      expect_an_end(s);
    }
  }
  return text;
}

TEST(StateEvent, EveryPairHasItsAnswer) {
  std::ifstream file(rouse::test::source_path("tests/core/swap/scheduler_table.txt"));
  const std::string expected{std::istreambuf_iterator<char>(file), {}};
  const std::string actual = table();
  if (actual == expected) return;
  const std::string path = rouse::test::build_path("scheduler_table.txt");
  std::ofstream(path) << actual;
  ADD_FAILURE() << "differs from tests/core/swap/scheduler_table.txt; what it is now: " << path;
  std::istringstream expected_lines(expected);
  std::istringstream actual_lines(actual);
  std::string was;
  std::string is;
  while (std::getline(actual_lines, is)) {
    std::getline(expected_lines, was);
    EXPECT_EQ(is, was);
  }
}

}  // namespace
}  // namespace rouse::core::test
