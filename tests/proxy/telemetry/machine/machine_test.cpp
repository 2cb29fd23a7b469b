#include "proxy/telemetry/machine/machine.hpp"

#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using test::read_file;
using test::test_data;
using testing::HasSubstr;
using testing::Not;
using Looker = Machine::Looker;

constexpr std::string_view kLine =
    "0, Fake, GPU-1, 61, 70, 97, 20480, 24576, 45, 312.50, 550.54.14, 350.00";

class MachineTest : public testing::Test {
 protected:
  MachineTest() {
    std::filesystem::create_directories(dir_.path() / "net");
    for (const char* const name : {"stat", "meminfo", "loadavg", "cpuinfo"}) {
      dir_.write(name, read_file(test_data(std::string("machine/") + name)));
    }
    dir_.write("net/dev", read_file(test_data("machine/net_dev")));
    options_.proc = dir_.path().string();
    options_.gpu_program = dir_ / "no-such-program";
  }
  ~MachineTest() override {
    tasks_.cancel(asio::cancellation_type::terminal);
    EXPECT_TRUE(run_until([this] { return tasks_.size() == 0; })) << "a task does not end";
  }

  /// A nvidia-smi that notes its runs and then does @p what.
  void fake_gpu(const std::string& what) {
    options_.gpu_program =
        dir_.write("nvidia-smi", "#!/bin/sh\necho \"$$ $*\" >>" + (dir_ / "runs") + "\n" + what);
    ::chmod(options_.gpu_program.c_str(), 0755);
  }
  [[nodiscard]] std::string runs() const {
    return std::filesystem::exists(dir_ / "runs") ? read_file(dir_ / "runs") : "";
  }
  [[nodiscard]] long count_runs() const {
    const std::string text = runs();
    return std::count(text.begin(), text.end(), '\n');
  }

  Machine& machine() {
    if (!machine_) machine_ = std::make_unique<Machine>(tasks_, options_);
    return *machine_;
  }
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds limit = 5s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return done();
      io_.restart();
      io_.run_one_for(5ms);
    }
    return true;
  }
  static Task<void> look_and_say(Machine& machine, Looker who, bool& done) {
    co_await machine.look(who);
    done = true;
  }
  void look(Looker who) {
    bool done = false;
    tasks_.spawn(look_and_say(machine(), who, done));
    EXPECT_TRUE(run_until([&done] { return done; })) << "the look hangs";
  }
  [[nodiscard]] std::string performance() { return machine().performance({}); }
  /// How often @p word is in it.
  std::size_t count_of(std::string_view word) {
    const std::string text = performance();
    std::size_t n = 0;
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) ++n;
    return n;
  }
  /// When the last sample is no longer fresh, for those whose samples are 1 ms apart.
  void look_again() {
    const auto before = std::chrono::steady_clock::now();
    EXPECT_TRUE(run_until([&] { return std::chrono::steady_clock::now() - before > 2ms; }));
    look(Looker::Scrape);
  }

  test::TempDir dir_;
  bool first_ = false;  // of looks that outlast the test's body
  bool second_ = false;
  MachineOptions options_;
  asio::io_context io_{1};
  TaskGroup tasks_{io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; }};
  std::unique_ptr<Machine> machine_;
};

TEST_F(MachineTest, NothingIsReadUntilSomebodyLooks) {
  options_.every = 5ms;
  fake_gpu("echo '" + std::string(kLine) + "'\n");
  EXPECT_EQ(performance(), R"({"enabled":true,"sys_stats":null,"gpu_stats":null})");
  EXPECT_EQ(machine().metrics(), "");
  EXPECT_FALSE(run_until([this] { return !runs().empty(); }, 30ms));
}

TEST_F(MachineTest, ALookBringsASampleAndTheAnswerOfTheGpu) {
  fake_gpu("echo '" + std::string(kLine) + "'\n");
  machine();
  dir_.write("stat", read_file(test_data("machine/stat.later")));
  look(Looker::Person);
  EXPECT_THAT(performance(), HasSubstr(R"("cpu_util_per_core":[25.000,100.000])"));
  EXPECT_THAT(performance(), HasSubstr(R"("name":"Fake","uuid":"GPU-1","temp_c":61)"));
  EXPECT_THAT(machine().metrics(), HasSubstr("llamaswap_gpu_power_draw_watts{id=\"0\""));
  EXPECT_THAT(runs(), HasSubstr("--query-gpu=index,name,uuid,"));
  EXPECT_THAT(runs(), HasSubstr("--format=csv,noheader,nounits"));
}

TEST_F(MachineTest, AFreshSampleServesTheNextLook) {
  options_.every = 1h;
  options_.history = 10h;
  fake_gpu("echo '" + std::string(kLine) + "'\n");
  look(Looker::Scrape);
  look(Looker::Scrape);
  look(Looker::Person);
  EXPECT_EQ(count_runs(), 1);
  EXPECT_EQ(count_of("load_avg_15"), 1u);
}

TEST_F(MachineTest, ASampleTellsOfTheTimeSinceTheOneBefore) {
  options_.every = 1ms;
  machine();
  dir_.write("stat", read_file(test_data("machine/stat.later")));
  look(Looker::Scrape);
  EXPECT_THAT(performance(), HasSubstr(R"("cpu_util_per_core":[25.000,100.000])"));
  look_again();
  EXPECT_THAT(performance(), HasSubstr(R"("cpu_util_per_core":[0.000,0.000])"));
}

TEST_F(MachineTest, APersonIsFollowedForAWhile) {
  options_.every = 5ms;
  options_.watched_for = 300ms;
  fake_gpu("echo '" + std::string(kLine) + "'\n");
  look(Looker::Person);
  EXPECT_TRUE(run_until([this] { return count_runs() >= 3; })) << "sampling goes on";
  EXPECT_TRUE(run_until([this] { return tasks_.size() == 0; })) << "and ends by itself";
}

TEST_F(MachineTest, AScrapeStartsNothingThatGoesOn) {
  options_.every = 5ms;
  look(Looker::Scrape);
  EXPECT_TRUE(run_until([this] { return tasks_.size() == 0; }));
  EXPECT_THAT(machine().metrics(), HasSubstr("llamaswap_load_average{interval=\"1m\"} 0.52"));
}

TEST_F(MachineTest, WithoutTheProgramThereAreNoGpus) {
  look(Looker::Person);
  EXPECT_THAT(performance(), HasSubstr(R"("gpu_stats":null)"));
  EXPECT_THAT(machine().hardware(), HasSubstr(R"("accelerators":[])"));
}

TEST_F(MachineTest, AProgramThatIsNotThereIsLookedForAtAReload) {
  options_.every = 1ms;
  options_.gpu_program = dir_ / "nvidia-smi";
  look(Looker::Scrape);
  fake_gpu("echo '" + std::string(kLine) + "'\n");
  look_again();
  EXPECT_EQ(runs(), "");
  machine().adopt(false, 1ms);
  look_again();
  EXPECT_EQ(count_runs(), 1);
}

TEST_F(MachineTest, AGpuThatIsSilentIsNotToldAsItWas) {
  options_.every = 1ms;
  options_.gpu_limit = 100ms;
  const std::string again = dir_ / "again";
  fake_gpu("[ -e " + again + " ] && exit 9\ntouch " + again + "\necho '" + std::string(kLine) +
           "'\n");
  look(Looker::Scrape);
  EXPECT_THAT(machine().metrics(), HasSubstr("llamaswap_gpu_util_percent"));
  EXPECT_TRUE(run_until([this] {
    look_again();
    return machine().metrics().find("llamaswap_gpu") == std::string::npos;
  }));
  EXPECT_THAT(machine().metrics(), HasSubstr("llamaswap_load_average"));
}

TEST_F(MachineTest, AProgramThatHangsIsKilledAndNeverRunsTwice) {
  options_.every = 1ms;
  options_.gpu_limit = 60ms;
  fake_gpu("exec sleep 1000\n");
  look(Looker::Person);
  EXPECT_THAT(performance(), HasSubstr(R"("gpu_stats":null)"));
  const pid_t first = std::stoi(runs());
  EXPECT_TRUE(run_until([this] { return count_runs() >= 2; })) << "it is tried again";
  EXPECT_NE(::kill(first, 0), 0) << "the first one is gone before the second begins";
}

TEST_F(MachineTest, WhoLooksWhileItRunsStartsNoSecondOne) {
  options_.every = 1ms;
  options_.gpu_limit = 10s;
  fake_gpu("exec sleep 1000\n");
  tasks_.spawn(look_and_say(machine(), Looker::Scrape, first_));
  EXPECT_TRUE(run_until([this] { return count_runs() == 1; }));
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(run_until([&] { return std::chrono::steady_clock::now() - before > 2ms; }));
  tasks_.spawn(look_and_say(machine(), Looker::Scrape, second_));
  EXPECT_FALSE(run_until([this] { return count_runs() > 1; }, 50ms));
  EXPECT_FALSE(first_ || second_) << "both wait for its answer";
}

TEST_F(MachineTest, AHangDoesNotDelayTheEnd) {
  options_.every = 5ms;
  options_.gpu_limit = 1h;
  fake_gpu("[ -e " + (dir_ / "again") + " ] && exec sleep 1000\ntouch " + (dir_ / "again") + "\n");
  look(Looker::Person);
  EXPECT_TRUE(run_until([this] { return count_runs() == 2; })) << "the loop's own, which hangs";
  machine().adopt(false, 1h);
  tasks_.cancel(asio::cancellation_type::terminal);
  EXPECT_TRUE(run_until([this] { return tasks_.size() == 0; }, 2s));
}

TEST_F(MachineTest, AProgramThatFailsOrTalksNonsenseCostsNothingElse) {
  fake_gpu("echo 'NVIDIA-SMI has failed because it could not talk to the driver'\nexit 9\n");
  look(Looker::Person);
  EXPECT_THAT(performance(), HasSubstr(R"("load_avg_1":0.520)"));
  EXPECT_THAT(performance(), HasSubstr(R"("gpu_stats":null)"));
}

TEST_F(MachineTest, AFloodOfOutputIsCut) {
  options_.gpu_limit = 1h;
  fake_gpu("exec yes\n");
  look(Looker::Person);
  EXPECT_THAT(performance(), HasSubstr(R"("gpu_stats":null)"));
}

TEST_F(MachineTest, DisabledItSaysSo) {
  options_.disabled = true;
  fake_gpu("echo '" + std::string(kLine) + "'\n");
  look(Looker::Person);
  EXPECT_EQ(performance(), R"({"enabled":false})");
  EXPECT_EQ(machine().hardware(), "");
  EXPECT_EQ(machine().metrics(), "");
  EXPECT_EQ(runs(), "");
  machine().adopt(false, 1h);
  look(Looker::Person);
  EXPECT_THAT(performance(), HasSubstr(R"("name":"Fake")"));
  machine().adopt(true, 1h);
  EXPECT_EQ(performance(), R"({"enabled":false})");
  machine().adopt(false, 1h);
  EXPECT_EQ(performance(), R"({"enabled":true,"sys_stats":null,"gpu_stats":null})")
      << "what was before";
}

TEST_F(MachineTest, TheHistoryIsBounded) {
  options_.every = 1ms;
  options_.history = 2ms;
  fake_gpu("echo '" + std::string(kLine) + "'\n");
  for (int i = 0; i < 6; ++i) {
    look_again();
    EXPECT_EQ(count_of("load_avg_15"), 1u) << "the one before is too old";
    EXPECT_LE(count_of("uuid"), 1u);
  }
}

TEST_F(MachineTest, HardwareIsWhatTheFilesSay) {
  const std::string json = machine().hardware();
  EXPECT_THAT(json, HasSubstr(R"("model":"AMD Ryzen 9 5950X 16-Core Processor")"));
  EXPECT_THAT(json, HasSubstr(R"("memory":{"capacity_bytes":33554432000})"));
}

}  // namespace
}  // namespace rouse
