#include "core/swap/matrix.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace rouse::core;

// One expression per line of the input; line i is the set "si". Whatever compiles is solved for
// every target with every other model running, and what the rule says of itself must agree.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  MatrixSpec spec;
  spec.vars = {{"C", "coder"}};
  spec.models = {"coder", "planner", "embed", "rerank", "vision", "speech"};
  spec.evict_costs = {{"vision", 3}, {"C", 2}};
  std::string line;
  for (std::size_t i = 0; i <= size; ++i) {
    const char c = i == size ? '\n' : static_cast<char>(data[i]);
    if (c != '\n') {
      line += c;
      continue;
    }
    spec.sets.emplace_back("s" + std::to_string(spec.sets.size()), line);
    line.clear();
  }
  const auto result = Matrix::compile(spec);
  if (const auto* problems = std::get_if<std::vector<MatrixProblem>>(&result)) {
    if (problems->empty()) std::abort();
    return 0;
  }
  const Matrix& matrix = *std::get<std::shared_ptr<const Matrix>>(result);
  for (const ModelId& target : spec.models) {
    ModelSet running(spec.models.begin(), spec.models.end());
    running.erase(target);
    const Eviction eviction = matrix.make_room(target, running);
    for (const ModelId& model : eviction.evict) running.erase(model);
    for (const ModelId& model : running) {
      if (!matrix.may_coexist(model, target)) std::abort();
    }
    if (!matrix.make_room(target, running).evict.empty()) std::abort();
  }
  for (const std::string& name : matrix.set_names()) {
    if (matrix.expand(name, 50).alternatives.empty()) std::abort();
  }
  return 0;
}
