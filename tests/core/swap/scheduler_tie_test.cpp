#include "tests/core/swap/matrix_tools.hpp"
#include "tests/core/swap/scheduler_bench.hpp"

namespace rouse::core::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(SchedulerTie, WhatWasSeenToLoadSoonerLeaves) {
  MatrixSpec spec;
  spec.models = {"a", "b", "c"};
  spec.sets = {{"ab", "a & b"}, {"bc", "b & c"}, {"ac", "a & c"}};
  SchedulerBench s({{"a", {}}, {"b", {}}, {"c", {}}}, plain_policy(), compiled(spec));
  s.arrive(1, "a"), s.arrive(2, "b"), s.wait(2s), s.ready("b"), s.wait(7s), s.ready("a");
  s.leave(1), s.leave(2), s.wait(1min);
  const auto actions = s.arrive(3, "c");
  EXPECT_THAT(actions, ElementsAre(evicted("b"))) << "the first set would keep it";
  EXPECT_THAT(std::get<Stop>(actions.front()).reason,
              HasSubstr("cost 1; others cost as much and load longer"));
}

}  // namespace
}  // namespace rouse::core::test
