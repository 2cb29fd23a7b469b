#include "suspendd/checks/gpu.hpp"
#include "tests/suspendd/gpu/gpu_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::suspendd {
namespace {

using testing::HasSubstr;

GpuProcess process(int pid, std::optional<int> busy, const std::string& name = "job") {
  GpuProcess made;
  made.pid = pid;
  made.name = name;
  made.busy_percent = busy;
  made.lineage = {pid};
  return made;
}

GpuReading one_gpu(std::optional<int> busy, std::optional<std::vector<GpuProcess>> processes,
                   const std::string& error = "") {
  GpuReading reading;
  GpuDevice& gpu = reading.devices.emplace_back();
  gpu.id = "0000:01:00.0";
  gpu.busy_percent = busy;
  gpu.processes = std::move(processes);
  gpu.error = error;
  return reading;
}

using Processes = std::vector<GpuProcess>;

struct Case {
  const char* what;
  GpuReading reading;
  Verdict verdict;
};

std::vector<Case> cases() {
  const auto others = process(7, std::nullopt);
  return {
      {"no GPU", {}, Verdict::Idle},
      {"nobody, nothing", one_gpu(0, Processes{}), Verdict::Idle},
      {"nobody, below", one_gpu(4, Processes{}), Verdict::Idle},
      {"nobody to be seen, busy", one_gpu(5, Processes{}), Verdict::Active},
      {"ours, busy", one_gpu(90, Processes{process(100, 90)}), Verdict::Idle},
      {"ours, use not told", one_gpu(std::nullopt, Processes{process(100, {})}), Verdict::Idle},
      {"another, idle", one_gpu(0, Processes{process(7, 0)}), Verdict::Idle},
      {"another, at the threshold", one_gpu(5, Processes{process(7, 5)}), Verdict::Active},
      {"another, use of each not told", one_gpu(40, Processes{others}), Verdict::Active},
      {"another, use of none told", one_gpu(std::nullopt, Processes{others}), Verdict::Active},
      {"ours busy, another idle", one_gpu(90, Processes{process(100, 90), process(7, 0)}),
       Verdict::Idle},
      {"busy, but none of them says so", one_gpu(90, Processes{process(100, 0), process(7, 0)}),
       Verdict::Active},
      {"ours busy or another", one_gpu(90, Processes{process(100, 90), others}), Verdict::Active},
      {"processes not told, busy", one_gpu(50, std::nullopt), Verdict::Active},
      {"processes not told, not busy", one_gpu(0, std::nullopt), Verdict::Idle},
      {"nothing told", one_gpu(std::nullopt, std::nullopt, "lost"), Verdict::Unknown},
      {"lost, nobody listed", one_gpu(std::nullopt, Processes{}, "lost"), Verdict::Unknown},
      {"lost, another listed", one_gpu(std::nullopt, Processes{process(7, 0)}, "lost"),
       Verdict::Unknown},
  };
}

TEST(JudgeGpus, EachCase) {
  for (const Case& one : cases()) {
    const Finding finding = judge_gpus(one.reading, GpuCheck(), {100});
    EXPECT_EQ(finding.verdict, one.verdict) << one.what << ": " << finding.reason;
    EXPECT_NE(finding.reason, "") << one.what;
  }
}

TEST(JudgeGpus, OursAreAllBelowAndInTheGroup) {
  GpuProcess child = process(300, 90);
  child.lineage = {300, 250, 100};
  EXPECT_EQ(judge_gpus(one_gpu(90, Processes{child}), GpuCheck(), {100}).verdict, Verdict::Idle);
  EXPECT_EQ(judge_gpus(one_gpu(90, Processes{child}), GpuCheck(), {101}).verdict, Verdict::Active);
}

TEST(JudgeGpus, EverybodyCountsIfAsked) {
  GpuCheck all;
  all.foreign_only = false;
  EXPECT_EQ(judge_gpus(one_gpu(90, Processes{process(100, 90)}), all, {100}).verdict,
            Verdict::Active);
}

TEST(JudgeGpus, IgnoredProcessesDoNotCount) {
  GpuCheck ignoring;
  ignoring.ignore_processes = {"Xorg"};
  const auto reading = one_gpu(30, Processes{process(7, 30, "Xorg")});
  EXPECT_EQ(judge_gpus(reading, GpuCheck(), {}).verdict, Verdict::Active);
  EXPECT_EQ(judge_gpus(reading, ignoring, {}).verdict, Verdict::Idle);
}

TEST(JudgeGpus, TheBusiestAndThenTheUntoldDecide) {
  GpuReading reading = one_gpu(0, Processes{});
  reading.devices.push_back(one_gpu(std::nullopt, std::nullopt, "lost").devices[0]);
  EXPECT_EQ(judge_gpus(reading, GpuCheck(), {}).verdict, Verdict::Unknown);
  reading.devices.push_back(one_gpu(60, Processes{process(7, 60)}).devices[0]);
  EXPECT_EQ(judge_gpus(reading, GpuCheck(), {}).verdict, Verdict::Active);
  GpuReading half = one_gpu(0, Processes{});
  half.error = "the NVIDIA driver is not loaded";
  EXPECT_EQ(judge_gpus(half, GpuCheck(), {}).verdict, Verdict::Unknown);
  EXPECT_THAT(judge_gpus(half, GpuCheck(), {}).reason, HasSubstr("not loaded"));
}

class GpuCheckTest : public test::GpuFixture {
 protected:
  Finding look() { return run(check_->look()); }

  GpuProbe probe_{io_.get_executor(), settings_};
  std::vector<int> owned_;
  std::unique_ptr<Check> check_ = make_gpu_check(GpuCheck(), probe_, [this] { return owned_; });
};

TEST_F(GpuCheckTest, AForeignJobComesAndGoes) {
  process(4711, "train.py", 1, 4711);
  EXPECT_EQ(look().verdict, Verdict::Idle);
  state("process 4711 800\nuse 4711 5 97\nsample 5 97\n");
  const Finding busy = look();
  EXPECT_EQ(busy.verdict, Verdict::Active);
  EXPECT_THAT(busy.reason, HasSubstr("train.py (pid 4711) uses Fake GPU (0000:01:00.0): 97 %"));
  EXPECT_EQ(look().verdict, Verdict::Idle) << "still there, and has done nothing since";
  state("");
  EXPECT_EQ(look().verdict, Verdict::Idle);
}

TEST_F(GpuCheckTest, AnEngineOfTheProxyIsNoActivity) {
  process(4711, "llama-server", 4710, 4710);
  state("process 4711 800\nuse 4711 5 97\nsample 5 97\n");
  owned_ = {4710};
  EXPECT_EQ(look().verdict, Verdict::Idle);
}

TEST_F(GpuCheckTest, AMigSliceInUseCannotBeTakenForIdle) {
  process(4711, "train.py", 1, 4711);
  state("mig 1\nprocess 4711 800\n");
  EXPECT_EQ(look().verdict, Verdict::Active);
  owned_ = {4711};
  EXPECT_EQ(look().verdict, Verdict::Idle);
}

TEST_F(GpuCheckTest, WhatFailsIsNeverIdle) {
  for (const char* broken : {"init 9\n", "init 999\n", "device 15\n", "device 16\n", "device 17\n",
                             "device 999\nrate 0\n", "crash 1\n", "gpus 0\n"}) {
    state(broken);
    const Finding finding = look();
    EXPECT_EQ(finding.verdict, Verdict::Unknown) << broken << finding.reason;
    EXPECT_NE(finding.reason, "") << broken;
  }
}

}  // namespace
}  // namespace rouse::suspendd
