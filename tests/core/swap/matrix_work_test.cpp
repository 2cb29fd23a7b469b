#include "tests/core/swap/matrix_tools.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace rouse::core {
namespace {

using ::testing::IsEmpty;

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
