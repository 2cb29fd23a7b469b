#include "core/swap/matrix_expr.hpp"
#include "tests/core/swap/matrix_tools.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace rouse::core {
namespace {

using ::testing::ElementsAre;

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
          MatrixProblem{Where::Set, "s1", 8, "a model is missing before \"&\" (character 9)"},
          MatrixProblem{Where::Set, "s2", 8, "unknown var or model \"ghost\""},
          MatrixProblem{Where::Set, "s2", 16, "unknown var or model \"who\""},
          MatrixProblem{Where::Set, "s3", 6, "set \"s3\" references undefined set \"s9\""},
          MatrixProblem{Where::Set, "s6", 0,
                        "the set is empty: it wants models, as in a & (b | c)"},
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

}  // namespace
}  // namespace rouse::core
