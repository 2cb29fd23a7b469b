#include "proxy/engine/registry.hpp"

#include "base/process/spawn.hpp"
#include "proxy/engine/process_tree.hpp"
#include "tests/base/http/stream_fixture.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <unistd.h>

#include <csignal>
#include <filesystem>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using test::ChildProcess;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// The journals of proxies that are said to have been; the engines in them are real processes.
class Registry : public StreamFixture {
 protected:
  static std::uint64_t start_time(int pid) { return read_process(pid)->start_time; }
  static std::string engine_line(int pid, const std::string& model) {
    return fmt::format("engine {} {} {}\n", pid, start_time(pid), model);
  }
  /// Of a proxy that no longer lives: pid 2 never had that start time.
  std::string dead(const std::string& engines) {
    return dir_.write("2-1.engines", "boot " + boot_id() + "\nproxy 2 1\n" + engines);
  }
  /// The models whose processes it found.
  std::vector<std::string> swept(std::chrono::milliseconds grace = 5s) {
    std::vector<std::string> models;
    for (const auto& each : run(registry_->sweep_orphans(grace))) models.push_back(each.model);
    return models;
  }
  [[nodiscard]] std::string own_file() const { return dir_ / (registry_->instance() + ".engines"); }

  test::TempDir dir_;
  std::unique_ptr<EngineRegistry> registry_ = std::make_unique<EngineRegistry>(dir_.path());
};

TEST_F(Registry, EndsWhatAnEarlierProxyLeftAndForgetsItsJournal) {
  ChildProcess engine({"/bin/sleep", "600"});
  const std::string file = dead(engine_line(engine.pid(), "a model of two words"));
  EXPECT_THAT(swept(), ElementsAre("a model of two words"));
  EXPECT_EQ(engine.wait(0ms), 128 + SIGTERM) << "it is gone when the sweep is over";
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(Registry, LeavesAloneWhatAJournalOfAnotherBootNames) {
  ChildProcess stranger({"/bin/sleep", "600"});
  const std::string file =
      dir_.write("2-1.engines", "boot another\nproxy 2 1\n" + engine_line(stranger.pid(), "a"));
  EXPECT_THAT(swept(), IsEmpty());
  EXPECT_TRUE(stranger.running());
  EXPECT_FALSE(std::filesystem::exists(file)) << "it is of no use to anybody";
}

TEST_F(Registry, LeavesAloneTheEnginesOfAProxyThatRuns) {
  ChildProcess proxy({"/bin/sleep", "600"});
  ChildProcess engine({"/bin/sleep", "600"});
  const std::string name = fmt::format("{}-{}.engines", proxy.pid(), start_time(proxy.pid()));
  const std::string file =
      dir_.write(name, fmt::format("boot {}\nproxy {} {}\n{}", boot_id(), proxy.pid(),
                                   start_time(proxy.pid()), engine_line(engine.pid(), "a")));
  EXPECT_THAT(swept(), IsEmpty());
  EXPECT_TRUE(engine.running());
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(Registry, LeavesAloneAPidThatSomebodyElseHasNow) {
  ChildProcess stranger({"/bin/sleep", "600"});
  dead(fmt::format("engine {} {} a\nengine 1 1 b\nengine nonsense\n", stranger.pid(),
                   start_time(stranger.pid()) - 1));
  EXPECT_THAT(swept(), IsEmpty());
  EXPECT_TRUE(stranger.running());
}

TEST_F(Registry, FindsByItsMarkWhatNoJournalNames) {
  ChildProcess worker({"/bin/sleep", "600"}, {"ROUSE_ENGINE=2-1:a"});
  ChildProcess of_another({"/bin/sleep", "600"}, {"ROUSE_ENGINE=3-1:b"});
  ChildProcess odd({"/bin/sleep", "600"}, {"ROUSE_ENGINE=2-1"});
  dead("");
  EXPECT_THAT(swept(), ElementsAre("a"));
  EXPECT_EQ(worker.wait(0ms), 128 + SIGTERM);
  EXPECT_TRUE(of_another.running());
  EXPECT_TRUE(odd.running());
}

TEST_F(Registry, EndsTheGroupOfAnEngineWithIt) {
  const auto spawned = spawn({"sh", "-c", "sleep 600 & sleep 601"}, {});
  ASSERT_TRUE(spawned);
  const auto group = [&] {
    return engine_processes(own_processes(), spawned->pid, spawned->pid, {}).size();
  };
  ASSERT_TRUE(test::wait_until([&] { return group() == 3; }));
  dead(engine_line(spawned->pid, "a"));
  EXPECT_THAT(swept(), ElementsAre("a", "a", "a"));
  EXPECT_EQ(group(), 0u);
  reap(spawned->pid);
}

/// An engine that hears no SIGTERM.
ChildProcess stubborn() {
  return ChildProcess({"/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.02; done"});
}

TEST_F(Registry, KillsAfterTheGraceWhoeverHearsNoSigterm) {
  ChildProcess engine = stubborn();
  ASSERT_TRUE(engine.wait_for_output("up"));
  dead(engine_line(engine.pid(), "a"));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(swept(200ms).empty());
  EXPECT_GE(std::chrono::steady_clock::now() - began, 200ms);
  EXPECT_EQ(engine.wait(0ms), 128 + SIGKILL);
}

TEST_F(Registry, KillsAtOnceWhenItIsToHurry) {
  ChildProcess engine = stubborn();
  ASSERT_TRUE(engine.wait_for_output("up"));
  dead(engine_line(engine.pid(), "a"));
  registry_->hurry();
  EXPECT_FALSE(swept(60s).empty());
  EXPECT_EQ(engine.wait(0ms), 128 + SIGKILL);
}

// --- its own journal -----------------------------------------------------------------------------

TEST_F(Registry, WritesDownItselfAndItsEnginesForWhoeverComesAfter) {
  ChildProcess engine({"/bin/sleep", "600"});
  EXPECT_THAT(swept(), IsEmpty());
  const std::string head =
      fmt::format("boot {}\nproxy {} {}\n", boot_id(), ::getpid(), start_time(::getpid()));
  EXPECT_EQ(test::read_file(own_file()), head) << "even before the first engine is known";
  registry_->add(engine.pid(), "a");
  EXPECT_EQ(test::read_file(own_file()), head + engine_line(engine.pid(), "a"));
  registry_->remove(engine.pid());
  EXPECT_EQ(test::read_file(own_file()), head);
  const std::string file = own_file();
  registry_.reset();
  EXPECT_FALSE(std::filesystem::exists(file)) << "a proxy that ends in order leaves nothing";
}

TEST_F(Registry, LeavesItsJournalWhenAnEngineWasNotEnded) {
  ChildProcess engine({"/bin/sleep", "600"});
  registry_->add(engine.pid(), "a");
  const std::string file = own_file();
  registry_.reset();
  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST_F(Registry, NeverEndsItsOwn) {
  ChildProcess engine({"/bin/sleep", "600"}, {"ROUSE_ENGINE=" + registry_->instance() + ":a"});
  registry_->add(engine.pid(), "a");
  EXPECT_THAT(swept(), IsEmpty());
  EXPECT_TRUE(engine.running());
}

TEST_F(Registry, WithoutAFolderItLivesAndKeepsNothing) {
  EngineRegistry nowhere{std::filesystem::path()};
  nowhere.add(::getpid(), "a");
  nowhere.remove(::getpid());
  EXPECT_THAT(run(nowhere.sweep_orphans(1s)), IsEmpty());
  EngineRegistry closed(std::filesystem::path(dir_.write("file", "")) / "below");
  closed.add(::getpid(), "a");
  EXPECT_THAT(run(closed.sweep_orphans(1s)), IsEmpty());
}

TEST_F(Registry, NamesEachCgroupSoThatItsProxyIsKnown) {
  EXPECT_EQ(registry_->new_cgroup_name(), "rouse-" + registry_->instance() + "-1");
  EXPECT_EQ(registry_->new_cgroup_name(), "rouse-" + registry_->instance() + "-2");
}

}  // namespace
}  // namespace rouse
