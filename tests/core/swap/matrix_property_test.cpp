#include "core/swap/matrix.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace rouse::core {
namespace {

// A random matrix, as text for the code under test and multiplied out for the judge. Built side by
// side, so that the judge shares nothing with the code, not even the parser.
class RandomMatrix {
 public:
  explicit RandomMatrix(unsigned seed) : random_(seed) {
    const int models = 3 + pick(7);
    for (int i = 0; i < models; ++i) {
      spec.models.push_back("m" + std::to_string(i));
      costs[spec.models.back()] = pick(2) == 0 ? 1 : 1 + pick(4);
      spec.evict_costs.emplace_back(spec.models.back(), costs[spec.models.back()]);
    }
    const int sets = 1 + pick(4);
    for (int i = 0; i < sets; ++i) {
      Text made = pick(3) == 0 ? some_of_many() : expression(0);
      spec.sets.emplace_back("s" + std::to_string(i), made.text);
      alternatives.push_back(std::move(made.alternatives));
    }
  }

  ModelSet some_models() {
    ModelSet out;
    const int bias = 1 + pick(4);
    for (const ModelId& model : spec.models) {
      if (pick(bias + 1) != 0) out.insert(model);
    }
    return out;
  }
  int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

  MatrixSpec spec;
  std::map<ModelId, int> costs;
  std::vector<std::vector<ModelSet>> alternatives;  // per set, left to right, with repetitions

 private:
  struct Text {
    std::string text;
    std::vector<ModelSet> alternatives;
  };

  // Branches that overlap in most models, so that the solver has many choices to tell apart.
  Text some_of_many() {
    Text out;
    for (int branch = 2 + pick(3); branch > 0; --branch) {
      Text any;
      for (int i = 3 + pick(3); i > 0; --i) {
        const ModelId& model = any_model();
        any.text += (any.text.empty() ? "" : " | ") + model;
        any.alternatives.push_back({model});
      }
      any.text = "(" + any.text + ")";
      out = out.text.empty() ? any : together(out, any);
    }
    return out;
  }

  static Text together(const Text& left, const Text& right) {
    Text out{left.text + " & " + right.text, {}};
    for (const ModelSet& a : left.alternatives) {
      for (const ModelSet& b : right.alternatives) {
        out.alternatives.push_back(a);
        out.alternatives.back().insert(b.begin(), b.end());
      }
    }
    return out;
  }

  const ModelId& any_model() {
    return spec.models[static_cast<std::size_t>(pick(static_cast<int>(spec.models.size())))];
  }

  // Sets refer to earlier ones only, so definition order is evaluation order.
  Text expression(int depth) {
    const int kind = depth >= 3 ? 0 : pick(4);
    if (kind == 0 && !alternatives.empty() && pick(4) == 0) {
      const std::size_t set = static_cast<std::size_t>(pick(static_cast<int>(alternatives.size())));
      return {"+s" + std::to_string(set), alternatives[set]};
    }
    if (kind == 0) {
      const ModelId& model = any_model();
      return {model, {{model}}};
    }
    const bool all = kind != 1;
    Text out = expression(depth + 1);
    for (int parts = 1 + pick(3); parts > 0; --parts) {
      const Text next = expression(depth + 1);
      // Keep the judge quick.
      if (out.alternatives.size() * next.alternatives.size() > 1000) break;
      if (all) {
        out = together(out, next);
        continue;
      }
      out.text += " | " + next.text;
      out.alternatives.insert(out.alternatives.end(), next.alternatives.begin(),
                              next.alternatives.end());
    }
    out.text = "(" + out.text + ")";
    return out;
  }

  std::mt19937 random_;
};

// Reference §3.3, word by word.
std::vector<ModelId> judged(const RandomMatrix& made, const ModelId& target,
                            const ModelSet& running) {
  if (running.contains(target)) return {};
  std::vector<ModelId> best(running.begin(), running.end());
  int lowest = -1;
  for (const auto& set : made.alternatives) {
    for (const ModelSet& alternative : set) {
      if (!alternative.contains(target)) continue;
      std::vector<ModelId> evict;
      int cost = 0;
      for (const ModelId& model : running) {
        if (alternative.contains(model)) continue;
        evict.push_back(model);
        cost += made.costs.at(model);
      }
      if (lowest >= 0 && cost >= lowest) continue;
      lowest = cost;
      best = std::move(evict);
    }
  }
  return best;
}

std::string told_of(const RandomMatrix& made) {
  std::string out;
  for (const auto& [name, text] : made.spec.sets) out += name + ": " + text + "\n";
  for (const auto& [model, cost] : made.costs) out += model + "=" + std::to_string(cost) + " ";
  return out;
}

class MatrixProperty : public ::testing::TestWithParam<unsigned> {};

TEST_P(MatrixProperty, AgreesWithMultiplyingOut) {
  for (unsigned round = 0; round < 20; ++round) {
    RandomMatrix made(GetParam() * 1000 + round);
    const auto compiled = Matrix::compile(made.spec);
    ASSERT_EQ(compiled.index(), 0U) << told_of(made);
    const Matrix& matrix = *std::get<0>(compiled);
    for (int question = 0; question < 6; ++question) {
      const ModelSet running = made.some_models();
      for (const ModelId& target : made.spec.models) {
        const Matrix::Choice choice = matrix.choose(target, running);
        ASSERT_EQ(choice.evict, judged(made, target, running))
            << told_of(made) << "\ntarget " << target << " running "
            << ::testing::PrintToString(running);
        ASSERT_TRUE(choice.exact);
        ASSERT_EQ(matrix.make_room(target, running).evict, choice.evict);
      }
    }
  }
}

TEST_P(MatrixProperty, CoexistenceIsAnAlternativeWithBoth) {
  for (unsigned round = 0; round < 20; ++round) {
    RandomMatrix made(GetParam() * 1000 + round);
    const auto matrix = std::get<0>(Matrix::compile(made.spec));
    for (const ModelId& a : made.spec.models) {
      for (const ModelId& b : made.spec.models) {
        bool together = a == b;
        for (const auto& set : made.alternatives) {
          for (const ModelSet& each : set) together |= each.contains(a) && each.contains(b);
        }
        ASSERT_EQ(matrix->may_coexist(a, b), together) << told_of(made) << "\n" << a << " " << b;
      }
    }
  }
}

TEST_P(MatrixProperty, ExpansionIsTheDistinctAlternativesInOrder) {
  for (unsigned round = 0; round < 20; ++round) {
    RandomMatrix made(GetParam() * 1000 + round);
    const auto matrix = std::get<0>(Matrix::compile(made.spec));
    for (std::size_t i = 0; i < made.alternatives.size(); ++i) {
      std::vector<ModelSet> expected;
      for (const ModelSet& each : made.alternatives[i]) {
        if (std::find(expected.begin(), expected.end(), each) == expected.end()) {
          expected.push_back(each);
        }
      }
      const auto all = matrix->expand(made.spec.sets[i].first, 10'000);
      ASSERT_EQ(all.alternatives, expected) << told_of(made);
      ASSERT_FALSE(all.more);
      // A short list is the beginning of the long one, and says so when it is not all.
      const auto some = matrix->expand(made.spec.sets[i].first, 4);
      ASSERT_FALSE(some.alternatives.empty());
      ASSERT_LE(some.alternatives.size(), 4U);
      ASSERT_TRUE(std::equal(some.alternatives.begin(), some.alternatives.end(), expected.begin()))
          << told_of(made);
      ASSERT_TRUE(some.more || some.alternatives.size() == expected.size());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, MatrixProperty, ::testing::Range(1U, 9U));

}  // namespace
}  // namespace rouse::core
