// Which of several evictions that cost the same a matrix chooses.

#include "tests/core/swap/matrix_tools.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace rouse::core::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr Instant kNow{100h};

/// Two of the three fit.
MatrixSpec two_of_three() {
  MatrixSpec spec;
  spec.models = {"a", "b", "c"};
  spec.sets = {{"ab", "a & b"}, {"bc", "b & c"}, {"ac", "a & c"}};
  return spec;
}

TEST(MatrixTie, TheFirstWinsWhereNothingIsKnown) {
  const auto matrix = compiled(two_of_three());
  EXPECT_THAT(matrix->make_room("c", {"a", "b"}).evict, ElementsAre("a"));
  EXPECT_THAT(matrix->make_room("c", {"a", "b"}, {{"a", {2s, kNow}}, {"b", {2s, kNow}}}).evict,
              ElementsAre("a"));
}

TEST(MatrixTie, WhatIsBackSoonestLeaves) {
  const auto matrix = compiled(two_of_three());
  const Eviction eviction =
      matrix->make_room("c", {"a", "b"}, {{"a", {9s, kNow}}, {"b", {2s, kNow + 1h}}});
  EXPECT_THAT(eviction.evict, ElementsAre("b"));
  EXPECT_EQ(eviction.reason,
            "set ac: b leaves, a stays (cost 1; others cost as much and load longer)");
  const Eviction as_first =
      matrix->make_room("c", {"a", "b"}, {{"a", {2s, kNow}}, {"b", {9s, kNow}}});
  EXPECT_THAT(as_first.evict, ElementsAre("a"));
  EXPECT_THAT(as_first.reason, Not(HasSubstr("others")));
}

TEST(MatrixTie, ThenWhatWasNotUsedForLongest) {
  const auto matrix = compiled(two_of_three());
  const Eviction eviction =
      matrix->make_room("c", {"a", "b"}, {{"a", {2s, kNow}}, {"b", {2'050ms, kNow - 1min}}});
  EXPECT_THAT(eviction.evict, ElementsAre("b")) << "the same but for a twentieth of a second";
  EXPECT_THAT(eviction.reason, HasSubstr("(cost 1; others cost as much and were used later)"));
}

TEST(MatrixTie, TheCostOfTheRuleComesFirst) {
  MatrixSpec spec = two_of_three();
  spec.evict_costs = {{"b", 2}};
  const auto matrix = compiled(spec);
  const Eviction eviction =
      matrix->make_room("c", {"a", "b"}, {{"a", {1h, kNow}}, {"b", {1s, kNow}}});
  EXPECT_THAT(eviction.evict, ElementsAre("a"));
  EXPECT_EQ(eviction.reason, "set bc: a leaves, b stays (cost 1)");
  EXPECT_EQ(matrix->choose("c", {"a", "b"}, {{"a", {1h, kNow}}, {"b", {1s, kNow}}}).cost, 1);
}

TEST(MatrixTie, CostsThatLeaveNoRoomForMoreCountAlone) {
  MatrixSpec spec;
  for (int i = 0; i < 60; ++i) {
    spec.models.push_back("m" + std::to_string(i));
    spec.evict_costs.emplace_back(spec.models.back(), 2'000'000'000);
  }
  spec.models.emplace_back("t");
  spec.sets = {{"t", "t"}};
  const auto matrix = compiled(spec);
  ModelSet running(spec.models.begin(), spec.models.end() - 1);
  Worths worths;
  for (const ModelId& model : running)
    worths[model] = {1h, kNow + std::chrono::seconds(worths.size())};
  const auto choice = matrix->choose("t", running, worths);
  EXPECT_EQ(choice.evict.size(), 60U);
  EXPECT_EQ(choice.cost, 120'000'000'000);
}

}  // namespace
}  // namespace rouse::core::test
