#pragma once

#include "core/swap/matrix.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rouse::core {

inline const std::vector<ModelId> kModels{"coder",  "planner", "embed",   "rerank", "vision",
                                          "speech", "giant",   "scratch", "x"};

using Sets = std::vector<std::pair<std::string, std::string>>;
using Costs = std::vector<std::pair<std::string, int>>;

/// What is wrong with a spec; empty when it compiles.
inline std::vector<MatrixProblem> problems(const MatrixSpec& spec) {
  const auto result = Matrix::compile(spec);
  const auto* found = std::get_if<std::vector<MatrixProblem>>(&result);
  return found == nullptr ? std::vector<MatrixProblem>() : *found;
}

/// The matrix of a spec that has no problems.
inline std::shared_ptr<const Matrix> compiled(const MatrixSpec& spec) {
  EXPECT_THAT(problems(spec), ::testing::IsEmpty());
  return std::get<std::shared_ptr<const Matrix>>(Matrix::compile(spec));
}

inline std::shared_ptr<const Matrix> matrix(Sets sets) {
  return compiled({kModels, {}, {}, std::move(sets)});
}

}  // namespace rouse::core
