#include "core/swap/groups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::core {
namespace {

using ::testing::ElementsAre;

const std::vector<ModelId> kModels{"coder", "planner", "embed", "rerank"};

std::shared_ptr<const Groups> groups(std::vector<Group> specs) {
  return std::make_shared<const Groups>(std::move(specs), kModels);
}

struct Row {
  const char* name;
  std::vector<Group> groups;
  ModelSet running;
  const char* target;
  std::vector<ModelId> evict;
  const char* reason;
};

class GroupVectors : public ::testing::TestWithParam<Row> {};

TEST_P(GroupVectors, EvictsAsTheTableSays) {
  const Row& row = GetParam();
  const Eviction eviction = groups(row.groups)->make_room(row.target, row.running);
  EXPECT_EQ(eviction.evict, row.evict);
  EXPECT_EQ(eviction.reason, row.reason);
}

// name, swap, exclusive, persistent, members
const Group kMain{"main", true, true, false, {"coder"}};
const Group kKeep{"keep", true, false, true, {"embed"}};
const Group kSide{"side", true, false, false, {"embed"}};
const Group kBoth{"both", false, true, false, {"coder", "embed"}};

INSTANTIATE_TEST_SUITE_P(
    Reference, GroupVectors,
    ::testing::Values(
        Row{"G1_default_group_swaps",
            {},
            {"planner"},
            "coder",
            {"planner"},
            "group (default): planner leaves"},
        Row{"G2_no_swap_shares",
            {{"g", false, false, false, {"coder", "embed"}}},
            {"coder"},
            "embed",
            {},
            "group g: coder stays"},
        Row{"G3_exclusive_evicts_other_group",
            {{"g1", true, true, false, {"coder"}}, {"g2", true, true, false, {"planner"}}},
            {"planner"},
            "coder",
            {"planner"},
            "group g1: planner leaves"},
        Row{"G4_persistent_survives",
            {kKeep, kMain},
            {"embed"},
            "coder",
            {},
            "group main: embed stays"},
        Row{"G5_persistent_does_not_protect_inside",
            {{"keep", true, false, true, {"embed", "rerank"}}},
            {"embed"},
            "rerank",
            {"embed"},
            "group keep: embed leaves"},
        Row{"G6_not_exclusive_evicts_nobody",
            {kMain, kSide},
            {"coder"},
            "embed",
            {},
            "group side: coder stays"},
        Row{"G7_ready_target_still_evicts",
            {kMain, kSide},
            {"coder", "embed"},
            "coder",
            {"embed"},
            "group main: embed leaves"},
        Row{"G8_default_evicts_a_sharing_group",
            {kBoth},
            {"coder", "embed"},
            "planner",
            {"coder", "embed"},
            "group (default): coder, embed leave"},
        Row{"G9_sharing_group_evicts_default",
            {kBoth},
            {"planner"},
            "coder",
            {"planner"},
            "group both: planner leaves"},
        Row{"G10_swap_inside_while_other_stays",
            {{"g1", true, false, false, {"coder", "planner"}},
             {"keep", false, false, true, {"embed"}}},
            {"planner", "embed"},
            "coder",
            {"planner"},
            "group g1: planner leaves, embed stays"},
        Row{"nothing_else_runs", {kMain}, {"coder"}, "coder", {}, "group main: nothing else runs"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Groups, MayCoexistIfSomeOrderOfStartingAllowsIt) {
  const auto rule = groups({kMain, kSide});
  EXPECT_TRUE(rule->may_coexist("coder", "embed"));  // coder first, then embed
  EXPECT_TRUE(rule->may_coexist("embed", "coder"));
  EXPECT_FALSE(rule->may_coexist("coder", "planner"));
  EXPECT_FALSE(rule->may_coexist("planner", "rerank"));
  EXPECT_TRUE(rule->may_coexist("planner", "planner"));
  const auto sharing = groups({kBoth, {"keep", true, true, true, {"rerank"}}});
  EXPECT_TRUE(sharing->may_coexist("coder", "embed"));
  EXPECT_TRUE(sharing->may_coexist("coder", "rerank"));  // rerank first: it is persistent
  EXPECT_FALSE(sharing->may_coexist("coder", "planner"));
}

TEST(Groups, AModelThatIsNotConfiguredAnyMoreHasToLeave) {
  const auto rule = groups({kKeep});
  EXPECT_THAT(rule->make_room("embed", {"gone"}).evict, ElementsAre("gone"));
  EXPECT_THAT(rule->make_room("gone", {"embed"}).evict, ElementsAre("embed"));
  EXPECT_FALSE(rule->may_coexist("gone", "embed"));
}

TEST(Groups, ListsTheDefaultGroupLastUnlessItIsEmpty) {
  const auto some = groups({kMain});
  ASSERT_EQ(some->groups().size(), 2U);
  EXPECT_EQ(some->groups().back().name, "(default)");
  EXPECT_THAT(some->groups().back().members, ElementsAre("planner", "embed", "rerank"));
  EXPECT_EQ(groups({{"all", true, true, false, kModels}})->groups().size(), 1U);
}

}  // namespace
}  // namespace rouse::core
