#include "core/swap/describe_eviction.hpp"

#include <algorithm>

namespace rouse::core {
namespace {

// "a, b stay"
void append(std::string& out, const std::vector<ModelId>& models, const char* one,
            const char* several) {
  if (models.empty()) return;
  std::string_view separator = out.empty() ? "" : ", ";
  for (const ModelId& model : models) {
    out += separator;
    out += model;
    separator = ", ";
  }
  out += models.size() == 1 ? one : several;
}

}  // namespace

std::string describe_eviction(std::string_view target, const std::vector<ModelId>& leaving,
                              const ModelSet& running) {
  std::vector<ModelId> staying;
  for (const ModelId& model : running) {
    const bool leaves = std::binary_search(leaving.begin(), leaving.end(), model);
    if (model != target && !leaves) staying.push_back(model);
  }
  std::string out;
  append(out, leaving, " leaves", " leave");
  append(out, staying, " stays", " stay");
  return out.empty() ? "nothing else runs" : out;
}

}  // namespace rouse::core
