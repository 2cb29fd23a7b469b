#include "core/matrix.hpp"

#include "core/matrix_expr.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::core {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<ModelId> kModels{"coder",  "planner", "embed",   "rerank", "vision",
                                   "speech", "giant",   "scratch", "x"};

using Sets = std::vector<std::pair<std::string, std::string>>;
using Costs = std::vector<std::pair<std::string, int>>;

std::vector<MatrixProblem> problems(const MatrixSpec& spec) {
  const auto result = Matrix::compile(spec);
  const auto* found = std::get_if<std::vector<MatrixProblem>>(&result);
  return found == nullptr ? std::vector<MatrixProblem>() : *found;
}

std::shared_ptr<const Matrix> compiled(const MatrixSpec& spec) {
  EXPECT_THAT(problems(spec), IsEmpty());
  return std::get<std::shared_ptr<const Matrix>>(Matrix::compile(spec));
}

std::shared_ptr<const Matrix> matrix(Sets sets) {
  return compiled({kModels, {}, {}, std::move(sets)});
}

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

TEST(MatrixProblems, AllAreFoundAndPlaced) {
  using Where = MatrixProblem::Where;
  const std::vector<MatrixProblem> found = problems({
      kModels,
      {{"a_b", "coder"}, {"e", "embed"}, {"v", "nobody"}, {"e", "vision"}},
      {{"coder", 0}, {"ghost", 2}, {"embed", 2}, {"e", 3}, {"vision", -1}},
      {{"s1", "coder & & embed"},
       {"s2", "coder & ghost | who"},
       {"s3", "+s2 & +s9"},
       {"s4", "coder & +s5"},
       {"s5", "+s4"},
       {"s6", ""},
       {"s7", "+s7"}},
  });
  const auto none = std::nullopt;
  EXPECT_THAT(
      found,
      ElementsAre(
          MatrixProblem{Where::Var, "a_b", none,
                        "var key \"a_b\" must contain only alphanumeric characters, \"-\" and "
                        "\".\", and be 1 to 32 characters long"},
          MatrixProblem{Where::Var, "v", none, "var key \"v\" references unknown model \"nobody\""},
          MatrixProblem{Where::Var, "e", none, "var key \"e\" is defined twice"},
          MatrixProblem{Where::Cost, "coder", none,
                        "evict_cost for \"coder\" must be a positive integer, got 0"},
          MatrixProblem{Where::Cost, "ghost", none,
                        "evict_cost for unknown var or model \"ghost\""},
          MatrixProblem{Where::Cost, "e", none,
                        "evict_cost of model \"embed\" is given twice, here and as \"embed\"; keep "
                        "one"},
          MatrixProblem{Where::Cost, "vision", none,
                        "evict_cost for \"vision\" must be a positive integer, got -1"},
          MatrixProblem{Where::Set, "s1", 8, "parse: unexpected token \"&\" at position 8"},
          MatrixProblem{Where::Set, "s2", 8, "unknown var or model \"ghost\""},
          MatrixProblem{Where::Set, "s2", 16, "unknown var or model \"who\""},
          MatrixProblem{Where::Set, "s3", 6, "set \"s3\" references undefined set \"s9\""},
          MatrixProblem{Where::Set, "s6", 0, "empty DSL expression"},
          MatrixProblem{Where::Set, "s5", 0,
                        "circular reference detected involving set \"s5\": \"+s4\" leads back to "
                        "it"},
          MatrixProblem{Where::Set, "s7", 0,
                        "circular reference detected involving set \"s7\": \"+s7\" leads back to "
                        "it"}));
}

TEST(MatrixProblems, NoSets) {
  const std::vector<MatrixProblem> found = problems({kModels, {}, {}, {}});
  EXPECT_THAT(found, ElementsAre(MatrixProblem{MatrixProblem::Where::Sets, "", std::nullopt,
                                               "matrix must define at least one set"}));
}

TEST(MatrixProblems, SameSetTwice) {
  const std::vector<MatrixProblem> found =
      problems({kModels, {}, {}, {{"s", "coder"}, {"s", "embed"}}});
  EXPECT_THAT(found, ElementsAre(MatrixProblem{MatrixProblem::Where::Set, "s", std::nullopt,
                                               "set \"s\" is defined twice"}));
}

TEST(MatrixProblems, ReferencesThatNestTooDeeplyAreRefused) {
  for (const bool forwards : {true, false}) {
    Sets sets{{"s0", "coder"}};
    for (std::size_t i = 1; i <= 3 * kMatrixDepthMax; ++i) {
      sets.emplace_back("s" + std::to_string(i), "+s" + std::to_string(i - 1));
    }
    if (!forwards) std::reverse(sets.begin(), sets.end());
    const std::vector<MatrixProblem> found = problems({kModels, {}, {}, sets});
    ASSERT_FALSE(found.empty());
    EXPECT_THAT(found.front().text, ::testing::HasSubstr("more than 200 levels deep"));
  }
}

// Work, not time: what multiplying out would make 10^10 alternatives of.
struct Groups10 {
  MatrixSpec spec;
  ModelSet all;
};

Groups10 ten_groups_of_ten() {
  Groups10 made;
  std::string expression;
  for (int group = 0; group < 10; ++group) {
    expression += group == 0 ? "(" : " & (";
    for (int i = 0; i < 10; ++i) {
      const std::string model = std::string(1, static_cast<char>('a' + group)) + std::to_string(i);
      made.spec.models.push_back(model);
      made.all.insert(model);
      expression += (i == 0 ? "" : "|") + model;
    }
    expression += ")";
  }
  made.spec.sets.emplace_back("grid", expression);
  return made;
}

TEST(MatrixWork, DisjointBranchesDoNotMultiply) {
  Groups10 made = ten_groups_of_ten();
  made.spec.evict_costs = {{"b7", 3}, {"c2", 2}};
  made.all.erase("a5");
  const Matrix::Choice choice = compiled(made.spec)->choose("a5", made.all);
  EXPECT_TRUE(choice.exact);
  EXPECT_EQ(choice.cost, 99 + 3 - 9 - 3);
  EXPECT_FALSE(std::binary_search(choice.evict.begin(), choice.evict.end(), "b7"));
  EXPECT_FALSE(std::binary_search(choice.evict.begin(), choice.evict.end(), "c2"));
  EXPECT_FALSE(std::binary_search(choice.evict.begin(), choice.evict.end(), "j0"));
  EXPECT_LE(choice.considered, 300U);
}

TEST(MatrixWork, PairsThatOverlapDoNotMultiplyWithOtherPairs) {
  // (a|b)&(c|d)&...&(a|x)&(c|y)&...: each branch overlaps with one other only, far away from it.
  MatrixSpec spec;
  ModelSet running;
  std::string first;
  std::string second;
  for (int i = 0; i < 20; ++i) {
    const std::string n = std::to_string(i);
    for (const char* letter : {"p", "q", "r"}) spec.models.push_back(letter + n);
    first += (i == 0 ? "(p" : " & (p") + n + " | q" + n + ")";
    second += " & (p" + n + " | r" + n + ")";
    running.insert({"p" + n, "q" + n, "r" + n});
  }
  running.erase("q3");
  spec.sets.emplace_back("s", first + second);
  const Matrix::Choice choice = compiled(spec)->choose("q3", running);
  EXPECT_TRUE(choice.exact);
  EXPECT_EQ(choice.cost, 20);  // each of the three pairs can be held at once, never all three
  EXPECT_LE(choice.considered, 1000U);
}

TEST(MatrixWork, SharedSetsAreSolvedOncePerSurrounding) {
  Sets sets{{"s0", "coder | planner"}};
  for (std::size_t i = 1; i < 100; ++i) {
    const std::string below = "+s" + std::to_string(i - 1);
    sets.emplace_back("s" + std::to_string(i), below + " & " + below);
  }
  const auto rule = matrix(sets);
  const Matrix::Choice choice = rule->choose("coder", {"planner"});
  EXPECT_EQ(choice.cost, 0);
  EXPECT_LE(choice.considered, 3000U);
  EXPECT_EQ(rule->expand("s99", 10).alternatives.size(), 3U);
}

// "(d0|..|d19|z) & (TARGET & d0 & .. & d19)": every d is dearer than z and looks better, but all of
// them come with the second branch anyway. A pass that keeps few choices drops z.
std::string trap(const std::string& letter, const std::string& target, MatrixSpec& spec) {
  std::string any;
  std::string all = target;
  for (int i = 0; i < 20; ++i) {
    const std::string model = letter + std::to_string(i);
    spec.models.push_back(model);
    spec.evict_costs.emplace_back(model, 3);
    any += model + " | ";
    all += " & " + model;
  }
  const std::string bait = "z" + letter;
  spec.models.push_back(bait);
  spec.evict_costs.emplace_back(bait, 2);
  return "(" + any + bait + ") & (" + all + ")";
}

TEST(MatrixWork, WhatThePassWithFewChoicesMissesIsFoundByTheSecond) {
  for (const bool referenced : {false, true}) {
    MatrixSpec spec;
    spec.sets.emplace_back("traps", trap("d", "t", spec) + " & " + trap("e", "e0", spec));
    if (referenced) spec.sets.emplace_back("again", "+traps");
    const ModelSet running(spec.models.begin(), spec.models.end());
    spec.models.push_back("t");
    const Matrix::Choice choice = compiled(spec)->choose("t", running);
    EXPECT_TRUE(choice.exact);
    EXPECT_THAT(choice.evict, IsEmpty());
  }
}

// Any 8 of 40 with 39 of them running: far more combinations than are kept.
MatrixSpec eight_of_forty() {
  MatrixSpec spec;
  std::string any;
  for (int i = 0; i < 40; ++i) {
    spec.models.push_back("m" + std::to_string(i));
    any += (i == 0 ? "" : "|") + spec.models.back();
  }
  std::string expression = "+any";
  for (int i = 1; i < 8; ++i) expression += " & +any";
  spec.sets = {{"any", any}, {"eight", expression}};
  return spec;
}

TEST(MatrixWork, DifferentCostsAreBoundedAndSolvedBeyondTheLimit) {
  MatrixSpec spec = eight_of_forty();
  for (int i = 0; i < 40; ++i) spec.evict_costs.emplace_back("m" + std::to_string(i), 1 + i);
  const ModelSet running(spec.models.begin() + 1, spec.models.end());
  const Matrix::Choice choice = compiled(spec)->choose("m0", running);
  EXPECT_TRUE(choice.exact);
  EXPECT_EQ(choice.cost, 39 * 42 / 2 - (40 + 39 + 38 + 37 + 36 + 35 + 34));
  EXPECT_LE(choice.considered, 50'000U);
}

TEST(MatrixWork, BeyondTheLimitTheChoiceIsStillAnAlternativeWithTheTarget) {
  const MatrixSpec spec = eight_of_forty();
  const ModelSet running(spec.models.begin(), spec.models.end() - 1);
  const Matrix::Choice choice = compiled(spec)->choose("m39", running);
  EXPECT_FALSE(choice.exact);
  EXPECT_EQ(choice.cost, 32);
  EXPECT_LE(choice.considered, 250'000U);
}

}  // namespace
}  // namespace rouse::core
