// The workloads of the table: what agents, people and batches ask for.

#include "tests/core/swap/trace.hpp"

#include <cmath>
#include <random>
#include <utility>

namespace rouse::core::test {

namespace {

using namespace std::chrono_literals;

/// The same numbers on every machine: the distributions of the library are not.
class Draw {
 public:
  explicit Draw(unsigned seed) : engine_(seed) {}

  Duration between(Duration low, Duration high) {
    return low + Duration{static_cast<Duration::rep>(
                     engine_() % static_cast<std::uint64_t>((high - low).count() + 1))};
  }
  /// As often between 0.2 s and 2 s as between 2 s and 20 s.
  Duration widely(Duration low, Duration high) {
    const double part = static_cast<double>(engine_() % 10'001) / 10'000;
    const double ratio = static_cast<double>(high.count()) / static_cast<double>(low.count());
    return Duration{
        static_cast<Duration::rep>(static_cast<double>(low.count()) * std::pow(ratio, part))};
  }

 private:
  std::mt19937 engine_;
};

std::vector<TraceModel> models(Duration load, std::size_t count) {
  std::vector<TraceModel> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back({std::string(1, static_cast<char>('a' + i)), load, load / 20});
  }
  return all;
}

/// The same steps again and again.
TraceChain loop(std::uint64_t client, const std::vector<TraceStep>& steps, int rounds) {
  TraceChain chain{client, {}};
  for (int i = 0; i < rounds; ++i) {
    chain.steps.insert(chain.steps.end(), steps.begin(), steps.end());
  }
  return chain;
}

/// One client for each model, whose thought takes from @p low to @p high.
Trace agents(std::string name, Duration load, std::size_t count, Duration low, Duration high,
             int steps) {
  Trace trace{std::move(name), models(load, count), {}};
  Draw draw(static_cast<unsigned>(low.count() + high.count()));
  for (std::size_t i = 0; i < count; ++i) {
    TraceChain chain{i + 1, {}};
    for (int step = 0; step < steps; ++step) {
      chain.steps.push_back({i, draw.widely(low, high), draw.between(300ms, 500ms), {}});
    }
    trace.chains.push_back(std::move(chain));
  }
  return trace;
}

Trace steady_agents(std::string name, Duration load, Duration think, int steps) {
  Trace trace{std::move(name), models(load, 2), {}};
  for (std::size_t i = 0; i < 2; ++i) {
    trace.chains.push_back(loop(i + 1, {{i, think, 400ms, {}}}, steps));
  }
  return trace;
}

/// A plan, three who look around, each in steps of their own, and one who writes the code.
Trace orchestrator(Duration load) {
  Trace trace{"orchestrator, explorers and coder", models(load, 3), {}};
  constexpr std::size_t kRounds = 4;
  constexpr std::size_t kLooks = 3;
  constexpr std::size_t kExplorers = 3;
  Draw draw(5);
  TraceChain lead{1, {}};
  std::vector<TraceChain> explorers(kExplorers, TraceChain{1, {}});
  for (std::size_t round = 0; round < kRounds; ++round) {
    lead.steps.push_back({0, 300ms, draw.between(2s, 4s), {}});
    for (TraceChain& explorer : explorers) {
      for (std::size_t look = 0; look < kLooks; ++look) {
        TraceStep step{1, draw.between(100ms, 900ms), draw.between(500ms, 1500ms), {}};
        if (look == 0) step.join.emplace_back(0, round * 4 + 1);
        explorer.steps.push_back(step);
      }
    }
    for (std::size_t edit = 0; edit < 3; ++edit) {
      TraceStep step{2, draw.between(200ms, 700ms), draw.between(1s, 3s), {}};
      for (std::size_t i = 0; edit == 0 && i < kExplorers; ++i) {
        step.join.emplace_back(i + 1, (round + 1) * kLooks);
      }
      lead.steps.push_back(step);
    }
  }
  trace.chains.push_back(std::move(lead));
  for (TraceChain& explorer : explorers) trace.chains.push_back(std::move(explorer));
  return trace;
}

Trace images_and_chat(Duration load) {
  Trace trace{"image batch and chat", models(load, 2), {}};
  Draw draw(6);
  TraceChain batch{1, {}};
  for (int i = 0; i < 40; ++i) batch.steps.push_back({0, 100ms, draw.between(3s, 6s), {}});
  TraceChain chat{2, {}};
  for (int i = 0; i < 12; ++i) {
    chat.steps.push_back({1, draw.widely(4s, 40s), draw.between(2s, 5s), {}});
  }
  trace.chains = {batch, chat};
  return trace;
}

/// A person who chats now and then, an agent that works in bouts, and embeddings in batches.
Trace day(Duration load) {
  Trace trace{"a day of mixed use", models(load, 3), {}};
  Draw draw(8);
  TraceChain person{1, {}};
  for (int sitting = 0; sitting < 4; ++sitting) {
    for (int turn = 0; turn < 5; ++turn) {
      const Duration pause = turn == 0 ? draw.between(3min, 12min) : draw.widely(5s, 60s);
      person.steps.push_back({0, pause, draw.between(3s, 9s), {}});
    }
  }
  TraceChain agent{2, {}};
  for (int bout = 0; bout < 3; ++bout) {
    for (int turn = 0; turn < 15; ++turn) {
      const Duration pause = turn == 0 ? draw.between(5min, 15min) : draw.widely(200ms, 3s);
      agent.steps.push_back({1, pause, draw.between(1s, 6s), {}});
    }
  }
  TraceChain embeddings{3, {}};
  for (int batch = 0; batch < 3; ++batch) {
    for (int part = 0; part < 6; ++part) {
      const Duration pause = part == 0 ? draw.between(4min, 12min) : Duration{50};
      embeddings.steps.push_back({2, pause, draw.between(200ms, 600ms), {}});
    }
  }
  trace.chains = {person, agent, embeddings};
  return trace;
}

/// Bouts of quick steps, and pauses that begin when one has just got used to them.
Trace moods(Duration load) {
  Trace trace{"quick and slow by turns", models(load, 2), {}};
  for (std::size_t i = 0; i < 2; ++i) {
    TraceChain chain{i + 1, {}};
    for (int bout = 0; bout < 4; ++bout) {
      const bool is_slow = bout % 2 == static_cast<int>(i);
      for (int step = 0; step < 8; ++step) {
        chain.steps.push_back({i, is_slow ? 3 * load / 2 : Duration{300}, 400ms, {}});
      }
    }
    trace.chains.push_back(std::move(chain));
  }
  return trace;
}

/// Each client asks once and is never seen again.
Trace passers_by(Duration load) {
  Trace trace{"every client asks once", models(load, 2), {}};
  // As one chain in which each step is another client's would be, but that nobody knows it.
  trace.chains.push_back(loop(1, {{0, 500ms, 400ms, {}}}, 12));
  trace.chains.push_back(loop(2, {{1, 700ms, 400ms, {}}}, 12));
  for (TraceChain& chain : trace.chains) chain.is_new_each_time = true;
  return trace;
}

/// The same key, address and agent: only the connections tell them apart.
Trace twins(Duration load) {
  Trace trace = steady_agents("two agents that look like one, 0.3 s", load, 300ms, 15);
  for (TraceChain& chain : trace.chains) chain.client = 1;
  return trace;
}

/// Turns for a large model, titles for a small one beside them.
Trace titles(Duration load) {
  Trace trace{"turns, and titles beside them", models(load, 2), {}};
  TraceChain turns{1, {}};
  TraceChain small{1, {}};
  Draw draw(9);
  for (std::size_t i = 0; i < 12; ++i) {
    turns.steps.push_back({0, draw.between(200ms, 1s), draw.between(1s, 3s), {}});
    if (i % 4 != 0) continue;
    TraceStep step{1, 100ms, 300ms, {}};
    step.join.emplace_back(0, i + 1);
    small.steps.push_back(step);
  }
  trace.chains = {turns, small};
  return trace;
}

}  // namespace

std::vector<Trace> make_traces(Duration load) {
  const auto alone = [&](std::string name, const std::vector<TraceStep>& steps, int rounds) {
    return Trace{std::move(name), models(load, 2), {loop(1, steps, rounds)}};
  };
  return {
      alone("embed and chat in turn", {{0, 0ms, 400ms, {}}, {1, 0ms, 400ms, {}}}, 6),
      alone("the same, 1 s of thought", {{0, 1s, 400ms, {}}, {1, 1s, 400ms, {}}}, 6),
      alone("architect and editor in one client",
            {{0, 300ms, 3s, {}}, {1, 50ms, 1s, {}}, {1, 600ms, 1s, {}}}, 6),
      steady_agents("two agents, 0.3 s", load, 300ms, 15),
      steady_agents("two agents, 1.5 s", load, 1500ms, 15),
      steady_agents("two agents, 4 s", load, 4s, 15),
      agents("two agents, 0.05 to 2 s, long", load, 2, 50ms, 2s, 100),
      agents("two agents, 0.2 to 20 s", load, 2, 200ms, 20s, 40),
      agents("three agents, 0.2 to 20 s", load, 3, 200ms, 20s, 15),
      agents("three agents, 0.2 to 2 s", load, 3, 200ms, 2s, 12),
      agents("three agents, 0.2 to 2 s, longer", load, 3, 200ms, 2s, load < 1s ? 8 : 30),
      orchestrator(load),
      images_and_chat(load),
      day(load),
      steady_agents("just longer than a swap", load, load * 11 / 10, 15),
      moods(load),
      passers_by(load),
      twins(load),
      titles(load),
  };
}

}  // namespace rouse::core::test
