#include "tests/core/swap/matrix_tools.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::core {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Row {
  const char* name;
  Sets sets;
  Costs costs;
  ModelSet running;
  const char* target;
  std::vector<ModelId> evict;
  const char* reason;
  std::vector<std::pair<std::string, std::string>> vars = {};
};

class MatrixVectors : public ::testing::TestWithParam<Row> {};

TEST_P(MatrixVectors, EvictsAsTheTableSays) {
  const Row& row = GetParam();
  const auto rule = compiled({kModels, row.vars, row.costs, row.sets});
  const Eviction eviction = rule->make_room(row.target, row.running);
  EXPECT_EQ(eviction.evict, row.evict);
  EXPECT_EQ(eviction.reason, row.reason);
}

const Sets kPair{{"pair", "coder & embed"}};
const Sets kSplit{{"s1", "coder"}, {"s2", "planner"}};
const Sets kLlm{{"llm", "(coder | planner) & embed"}};
const Sets kTwo{{"x1", "coder & vision"}, {"x2", "coder & speech"}};
const Sets kThree{{"x1", "coder & vision"}, {"x2", "coder & speech & embed"}};
const Sets kGrid{{"g", "(coder | planner) & (vision | speech)"}};
const Sets kShared{{"s1", "coder & embed"}, {"s2", "planner & embed"}};

INSTANTIATE_TEST_SUITE_P(
    Reference, MatrixVectors,
    ::testing::Values(
        Row{"M1", kPair, {}, {}, "coder", {}, "set pair: nothing else runs (cost 0)"},
        Row{"M2", kPair, {}, {"embed"}, "coder", {}, "set pair: embed stays (cost 0)"},
        Row{"M3_subset_is_allowed",
            {{"trio", "coder & embed & rerank"}},
            {},
            {"embed"},
            "coder",
            {},
            "set trio: embed stays (cost 0)"},
        Row{"M4", kSplit, {}, {"planner"}, "coder", {"planner"}, "set s1: planner leaves (cost 1)"},
        Row{"M5",
            kLlm,
            {},
            {"planner", "embed"},
            "coder",
            {"planner"},
            "set llm: planner leaves, embed stays (cost 1)"},
        Row{"M6", kLlm, {}, {"coder"}, "embed", {}, "set llm: coder stays (cost 0)"},
        Row{"M7_running_target_evicts_nothing",
            kSplit,
            {},
            {"coder", "planner"},
            "coder",
            {},
            "already running"},
        Row{"M8_target_in_no_set",
            kPair,
            {},
            {"coder", "embed"},
            "scratch",
            {"coder", "embed"},
            "in no set: runs alone"},
        Row{"M9_runner_in_no_set",
            kPair,
            {},
            {"scratch"},
            "coder",
            {"scratch"},
            "set pair: scratch leaves (cost 1)"},
        Row{"M10",
            kPair,
            {},
            {"embed", "scratch"},
            "coder",
            {"scratch"},
            "set pair: scratch leaves, embed stays (cost 1)"},
        Row{"M11_costs_decide",
            kTwo,
            {{"speech", 10}},
            {"speech", "vision"},
            "coder",
            {"vision"},
            "set x2: vision leaves, speech stays (cost 1)"},
        Row{"M12_tie_first_set",
            kTwo,
            {},
            {"speech", "vision"},
            "coder",
            {"speech"},
            "set x1: speech leaves, vision stays (cost 1)"},
        Row{"M13_tie_of_sums",
            kThree,
            {{"vision", 2}},
            {"speech", "embed", "vision"},
            "coder",
            {"embed", "speech"},
            "set x1: embed, speech leave, vision stays (cost 2)"},
        Row{"M14",
            kThree,
            {{"vision", 3}},
            {"speech", "embed", "vision"},
            "coder",
            {"embed", "speech"},
            "set x1: embed, speech leave, vision stays (cost 2)"},
        Row{"M15",
            kThree,
            {},
            {"speech", "embed", "vision"},
            "coder",
            {"vision"},
            "set x2: vision leaves, embed, speech stay (cost 1)"},
        Row{"M16_and_binds_tighter",
            {{"p", "planner | coder & embed"}},
            {},
            {"planner", "embed"},
            "coder",
            {"planner"},
            "set p: planner leaves, embed stays (cost 1)"},
        Row{"M17_references",
            {{"all", "+withtts & embed"}, {"llm", "coder | planner"}, {"withtts", "+llm & speech"}},
            {},
            {"coder", "speech"},
            "embed",
            {},
            "set all: coder, speech stay (cost 0)"},
        Row{"M18_referenced_set_first",
            {{"zfirst", "coder & vision | +base"}, {"base", "coder & speech"}},
            {},
            {"speech", "vision"},
            "coder",
            {"vision"},
            "set base: vision leaves, speech stays (cost 1)"},
        // llama-swap evicts vision here: its pruning drops the alternative "vision" before the "&"
        // adds embed to it, so the later "vision & embed" is met after "speech". Ours is the order
        // that a reader of the configuration can work out: multiplied out, left to right, vision is
        // first. Same cost, and no other vector differs.
        Row{"M19_tie_in_full_expansion_order",
            {{"s", "(vision | speech | vision & embed) & (coder & embed)"}},
            {},
            {"vision", "speech", "embed"},
            "coder",
            {"speech"},
            "set s: speech leaves, embed, vision stay (cost 1)"},
        Row{"M20_duplicate_leaf",
            {{"s", "coder & coder"}},
            {},
            {"planner"},
            "coder",
            {"planner"},
            "set s: planner leaves (cost 1)"},
        Row{"M21_nested",
            {{"s", "coder & (embed | (embed & rerank))"}},
            {},
            {"embed", "rerank"},
            "coder",
            {},
            "set s: embed, rerank stay (cost 0)"},
        Row{"M22_vars",
            {{"s1", "C & V"}, {"s2", "C & S"}},
            {{"S", 5}},
            {"speech", "vision"},
            "coder",
            {"vision"},
            "set s2: vision leaves, speech stays (cost 1)",
            {{"C", "coder"}, {"V", "vision"}, {"S", "speech"}}},
        Row{"M23",
            {{"big", "giant"}, {"small", "coder & embed & speech"}},
            {},
            {"coder", "embed", "speech"},
            "giant",
            {"coder", "embed", "speech"},
            "set big: coder, embed, speech leave (cost 3)"},
        Row{"M24_a_starting_model_counts",
            kSplit,
            {},
            {"planner"},
            "coder",
            {"planner"},
            "set s1: planner leaves (cost 1)"},
        Row{"M25",
            kGrid,
            {},
            {"planner", "speech"},
            "coder",
            {"planner"},
            "set g: planner leaves, speech stays (cost 1)"},
        Row{"M26",
            kGrid,
            {},
            {"planner", "speech"},
            "vision",
            {"speech"},
            "set g: speech leaves, planner stays (cost 1)"},
        Row{"M27_costs_never_forbid",
            {{"only", "coder"}},
            {{"giant", 1000}},
            {"giant"},
            "coder",
            {"giant"},
            "set only: giant leaves (cost 1000)"},
        Row{"M28_tie_left_alternative",
            {{"core", "embed & rerank"}, {"run", "coder & +core | coder & vision"}},
            {},
            {"embed", "vision"},
            "coder",
            {"vision"},
            "set run: vision leaves, embed stays (cost 1)"},
        Row{"M29", kShared, {}, {"planner"}, "embed", {}, "set s2: planner stays (cost 0)"},
        Row{"M30_tie_first_set",
            kShared,
            {},
            {"coder", "planner"},
            "embed",
            {"planner"},
            "set s1: planner leaves, coder stays (cost 1)"},
        // The documented order, that of definition; sorting sets by name would evict vision.
        Row{"M31_definition_order",
            {{"z_pref", "coder & vision"}, {"a_alt", "coder & speech"}},
            {},
            {"speech", "vision"},
            "coder",
            {"speech"},
            "set z_pref: speech leaves, vision stays (cost 1)"},
        Row{"M32_var_hides_model",
            {{"s", "x"}},
            {},
            {"planner"},
            "x",
            {"planner"},
            "in no set: runs alone",
            {{"x", "planner"}}}),
    [](const auto& param) { return std::string(param.param.name); });

TEST(Matrix, MayCoexistIfSomeAlternativeHoldsBoth) {
  const auto rule = matrix({{"llm", "(coder | planner) & (embed | embed & rerank)"},
                            {"talk", "+llm & speech | vision"}});
  EXPECT_TRUE(rule->may_coexist("coder", "embed"));
  EXPECT_TRUE(rule->may_coexist("rerank", "embed"));
  EXPECT_TRUE(rule->may_coexist("rerank", "planner"));
  EXPECT_TRUE(rule->may_coexist("speech", "rerank"));
  EXPECT_FALSE(rule->may_coexist("coder", "planner"));
  EXPECT_FALSE(rule->may_coexist("vision", "coder"));
  EXPECT_FALSE(rule->may_coexist("coder", "scratch"));
  EXPECT_TRUE(rule->may_coexist("scratch", "scratch"));
}

TEST(Matrix, ExpandListsAlternativesOnceLeftToRight) {
  const auto rule = matrix(
      {{"s", "(coder | planner | coder) & (embed | rerank & +t)"}, {"t", "vision | speech"}});
  const auto all = rule->expand("s", 100);
  EXPECT_FALSE(all.more);
  EXPECT_THAT(all.alternatives,
              ElementsAre(ModelSet{"coder", "embed"}, ModelSet{"coder", "rerank", "vision"},
                          ModelSet{"coder", "rerank", "speech"}, ModelSet{"planner", "embed"},
                          ModelSet{"planner", "rerank", "vision"},
                          ModelSet{"planner", "rerank", "speech"}));
  EXPECT_FALSE(rule->expand("s", 6).more);
  const auto some = rule->expand("s", 2);
  EXPECT_TRUE(some.more);
  EXPECT_THAT(some.alternatives,
              ElementsAre(ModelSet{"coder", "embed"}, ModelSet{"coder", "rerank", "vision"}));
  EXPECT_THAT(rule->expand("nobody", 2).alternatives, IsEmpty());
  EXPECT_THAT(rule->set_names(), ElementsAre("s", "t"));
}

}  // namespace
}  // namespace rouse::core
