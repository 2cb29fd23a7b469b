// Engines die, operators unload and reload, clients leave or do not read: whatever happens, every
// request is answered or cut within its bound, none is executed twice, and nothing is left.
// ROUSE_CHAOS_SECONDS=90 makes it long; ROUSE_CHAOS_SEED repeats one.
#include "tests/integration/demo_world.hpp"
#include "tests/support/engine_record.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <random>
#include <thread>

namespace rouse::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kChat = "/v1/chat/completions";
/// Loads of others, stops and restarts included, nobody waits longer.
constexpr auto kBound = 60s;
constexpr int kClients = 6;

unsigned number_from(const char* name, unsigned otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  /// From 0 to @p most.
  int up_to(int most) { return std::uniform_int_distribution<int>(0, most)(engine_); }
  std::chrono::milliseconds pause(int most_ms) { return std::chrono::milliseconds(up_to(most_ms)); }

 private:
  std::mt19937 engine_;
};

struct Tally {
  std::atomic<int> clean = 0, cut = 0, refused = 0, left = 0;
};

class Chaos {
 public:
  Chaos(const World& world, Clock::time_point until, Tally& tally)
      : world_(world), until_(until), tally_(tally) {}

  /// One client after the other, each on a connection of its own or the one before's.
  void live(int number, unsigned seed) {
    Dice dice(seed);
    HttpProbe connection = world_.connect();
    for (int n = 0; Clock::now() < until_; ++n) {
      if (!connection.connected() || dice.up_to(3) == 0) connection = world_.connect();
      const std::string model(1, static_cast<char>('a' + dice.up_to(2)));
      const int kind = dice.up_to(5);
      const bool stream = kind > 1;
      const ProbeHeaders headers{{"x-request-id", fmt::format("client{}-{}", number, n)}};
      if (!connection.send_request("POST", kChat, chat(model, stream), headers)) {
        connection.close();  // ended by us after an answer, or by a reload meanwhile
        continue;
      }
      if (kind == 4) {
        leave(connection, dice);
      } else if (kind == 5) {
        stall(connection, dice);
      } else {
        read(connection, headers.front().second);
      }
    }
  }

  void meddle(unsigned seed) {
    Dice dice(seed);
    while (Clock::now() < until_) {
      idle(dice.pause(300));
      const std::string model(1, static_cast<char>('a' + dice.up_to(2)));
      switch (dice.up_to(4)) {
        case 0: {
          const std::vector<pid_t> engines = world_.children();
          if (engines.empty()) break;
          ::kill(
              engines[static_cast<std::size_t>(dice.up_to(static_cast<int>(engines.size()) - 1))],
              SIGKILL);
          break;
        }
        case 1:
          expect_answer(world_.post("/api/models/unload/" + model, ""), "an unload");
          break;
        case 2:
          expect_answer(world_.post("/api/models/unload?force=1", ""), "an unload at once");
          break;
        case 3:
          expect_answer(world_.post("/api/config/reload", ""), "a reload");
          break;
        case 4:
          expect_answer(world_.post("/api/models/load/" + model, ""), "a load");
          break;
      }
    }
  }

 private:
  /// For so long, but not beyond the end.
  void idle(std::chrono::milliseconds pause) const {
    (void)wait_until([this] { return Clock::now() >= until_; }, pause);
  }
  static void expect_answer(const ProbeResponse& answer, const char* what) {
    EXPECT_NE(answer.status, 0) << what << " is not answered";
  }

  void read(HttpProbe& connection, const std::string& id) {
    const ProbeResponse answer = connection.read_response(kBound);
    EXPECT_NE(answer.end, ProbeEnd::TimedOut) << id << " hangs";
    EXPECT_NE(answer.end, ProbeEnd::Malformed) << id << ": " << answer.problem;
    if (answer.end != ProbeEnd::Clean) {
      ++tally_.cut;
      connection.close();
    } else if (answer.status == 200) {
      ++tally_.clean;
    } else {
      EXPECT_THAT(answer.status, testing::AnyOf(502, 503)) << id << ": " << answer.body;
      ++tally_.refused;
    }
  }
  /// At some moment, also before anything has come.
  void leave(HttpProbe& connection, Dice& dice) {
    (void)connection.hears(dice.pause(200));
    dice.up_to(1) == 0 ? connection.close() : connection.reset();
    ++tally_.left;
  }
  void stall(HttpProbe& connection, Dice& dice) {
    idle(dice.pause(1'500));
    connection.close();
    ++tally_.left;
  }

  const World& world_;
  const Clock::time_point until_;
  Tally& tally_;
};

TEST(ChaosTest, EveryRequestIsAnsweredOrCutAndNoneIsExecutedTwice) {
  const TempDir dir;
  const std::string options = "--tps 200 --tokens 40 --record " + (dir / "record");
  World world(models({fake_model("a", options, "    unloadTimeout: 3\n"),
                      fake_model("b", options + " --load-ms 300", "    concurrencyLimit: 2\n"),
                      fake_model("c", options + " --slow-stop 200")},
                     "schedule: {maxWait: 1s, linger: 50ms, minResidency: 0s, backoffFirst: 10ms, "
                     "backoffMax: 50ms, loadFailuresMax: 1000}\n"));
  const unsigned seed = number_from("ROUSE_CHAOS_SEED", std::random_device()());
  RecordProperty("seed", std::to_string(seed));
  SCOPED_TRACE("ROUSE_CHAOS_SEED=" + std::to_string(seed));
  const auto until = Clock::now() + std::chrono::seconds(number_from("ROUSE_CHAOS_SECONDS", 9));
  Tally tally;
  Chaos chaos(world, until, tally);
  std::vector<std::thread> threads;
  for (int n = 0; n < kClients; ++n) {
    threads.emplace_back([&, n] { chaos.live(n, seed + static_cast<unsigned>(n)); });
  }
  threads.emplace_back([&] { chaos.meddle(seed + 1000); });
  for (std::thread& each : threads) each.join();

  std::map<std::string, int> executed;
  for (const EngineRequest& request : read_engine_record(dir / "record")) {
    if (request.target != kChat) continue;
    for (const auto& [name, value] : request.headers) {
      if (name == "x-request-id") ++executed[value];
    }
  }
  for (const auto& [id, times] : executed) EXPECT_EQ(times, 1) << id << " was executed again";
  std::printf("%d answered, %d refused, %d cut, %d left; %zu executed\n", tally.clean.load(),
              tally.refused.load(), tally.cut.load(), tally.left.load(), executed.size());
  EXPECT_GT(tally.clean, 10);
  EXPECT_GT(executed.size(), 10U);
  EXPECT_TRUE(wait_until([&] {
    const std::string queue = world.get("/api/queue").body;
    return queue.find("\"running\":1") == std::string::npos &&
           queue.find("\"waiting\":[]") != std::string::npos;
  })) << "somebody is still served or waits";
  EXPECT_EQ(world.stop(), 0);
}

}  // namespace
}  // namespace rouse::test
