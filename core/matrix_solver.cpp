#include "core/matrix_solver.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <unordered_map>

namespace rouse::core {
namespace {

// Which branches of an "&" hang together, directly or through others.
class Clusters {
 public:
  explicit Clusters(std::size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }
  std::size_t find(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void unite(std::size_t a, std::size_t b) { parent_[find(a)] = find(b); }

 private:
  std::vector<std::size_t> parent_;
};

}  // namespace

MatrixSolver::Choice MatrixSolver::best(std::uint32_t root) {
  return solve(root, none()).front();
}

// The choices of a node; `outer` are the wanted models that occur beside it.
MatrixSolver::Choices MatrixSolver::solve(std::uint32_t at, const Bits& outer) {
  const MatrixNode& node = code_.nodes[at];
  const Bits mine = support(at);
  if (!mine.any()) return {{none(), 0}};
  if (node.kind == MatrixNode::Kind::Model) return {{mine, weights_[node.model]}};
  const Bits live = mine & outer;
  std::pair<std::uint32_t, Bits> key{at, live};
  if (node.shared) {
    const auto known = seen_.find(key);
    if (known != seen_.end()) return known->second;
  }
  const bool all = node.kind == MatrixNode::Kind::And;
  Choices choices = all ? solve_all(node, live) : solve_any(node, live);
  if (node.shared) seen_.emplace(std::move(key), choices);
  return choices;
}

MatrixSolver::Choices MatrixSolver::solve_any(const MatrixNode& node, const Bits& live) {
  Choices choices;
  for (std::uint32_t child : node.children) {
    for (Choice& choice : solve(child, live)) choices.push_back(std::move(choice));
  }
  prune(choices, live);
  return choices;
}

MatrixSolver::Choices MatrixSolver::solve_all(const MatrixNode& node, const Bits& live) {
  // The last cluster index stands for everything outside this node.
  const std::size_t count = node.children.size();
  const std::size_t outside = count;
  Clusters clusters(count + 1);
  std::vector<std::optional<std::size_t>> owner(code_.models.size());
  live.for_each([&](std::size_t model) { owner[model] = outside; });
  for (std::size_t i = 0; i < count; ++i) {
    support(node.children[i]).for_each([&](std::size_t model) {
      if (owner[model]) clusters.unite(i, *owner[model]);
      owner[model] = i;
    });
  }
  std::vector<std::vector<std::uint32_t>> parts(count + 1);
  for (std::size_t i = 0; i < count; ++i) {
    if (support(node.children[i]).any()) parts[clusters.find(i)].push_back(node.children[i]);
  }
  // A cluster that nothing outside touches yields its one best choice. All that is touched from
  // outside is one cluster, so the order of its choices stays that of the full expansion.
  const std::size_t touched = clusters.find(outside);
  Choices choices = join(parts[touched], live);
  for (std::size_t i = 0; i <= count; ++i) {
    if (i != touched && !parts[i].empty()) choices = product(choices, join(parts[i], none()));
  }
  return choices;
}

// The branches `parts` of an "&" taken together, beside `outer`.
MatrixSolver::Choices MatrixSolver::join(const std::vector<std::uint32_t>& parts,
                                         const Bits& outer) {
  std::vector<Bits> later(parts.size() + 1, none());
  for (std::size_t i = parts.size(); i-- > 0;) later[i] = later[i + 1] | support(parts[i]);
  Choices joined{{none(), 0}};
  Bits before = none();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Bits after = outer | later[i + 1];
    const Choices next = solve(parts[i], before | after);
    joined = product(joined, next);
    before |= support(parts[i]);
    prune(joined, before & after);
  }
  return joined;
}

MatrixSolver::Choices MatrixSolver::product(const Choices& left, const Choices& right) {
  const Bits nothing = none();
  Choices out;
  out.reserve(left.size() * right.size());
  for (const Choice& a : left) {
    for (const Choice& b : right) {
      std::int64_t twice = 0;
      Bits::for_each_only_in(a.models, nothing, b.models,
                             [&](std::size_t model) { twice += weights_[model]; });
      out.push_back({a.models | b.models, a.value + b.value - twice});
    }
  }
  return out;
}

// Whether a may replace b: ahead even if everything live that only a holds comes to b later on. On
// equality the earlier one is preferred, as the full expansion would.
bool MatrixSolver::beats(const Choice& a, const Choice& b, bool earlier, const Bits& live) const {
  if (a.value < b.value) return false;
  std::int64_t lead = a.value - b.value;
  Bits::for_each_only_in(a.models, b.models, live,
                         [&](std::size_t model) { lead -= weights_[model]; });
  return earlier ? lead >= 0 : lead > 0;
}

void MatrixSolver::prune(Choices& choices, const Bits& live) {
  considered_ += choices.size();
  if (choices.size() < 2) return;
  // Of those that hold the same live models the first best stays.
  std::unordered_map<Bits, std::size_t, BitsHash> best;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const auto [it, added] = best.try_emplace(choices[i].models & live, i);
    if (!added && choices[i].value > choices[it->second].value) it->second = i;
  }
  std::vector<std::size_t> kept;
  kept.reserve(best.size());
  for (const auto& [models, i] : best) kept.push_back(i);
  std::sort(kept.begin(), kept.end());
  Choices out;
  out.reserve(kept.size());
  for (std::size_t i : kept) out.push_back(std::move(choices[i]));
  choices = std::move(out);

  keep_best(choices, 2 * kChoicesMax);  // what follows is quadratic
  prune_beaten(choices, live);
  keep_best(choices, kChoicesMax);
}

// A choice with the target is worth more than all without: if there is one, one stays.
void MatrixSolver::keep_best(Choices& choices, std::size_t count) {
  if (choices.size() <= count) return;
  exact_ = false;
  std::vector<std::size_t> order(choices.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return choices[a].value > choices[b].value;
  });
  order.resize(count);
  std::sort(order.begin(), order.end());
  Choices top;
  top.reserve(count);
  for (std::size_t i : order) top.push_back(std::move(choices[i]));
  choices = std::move(top);
}

void MatrixSolver::prune_beaten(Choices& choices, const Bits& live) const {
  std::vector<bool> beaten(choices.size(), false);
  for (std::size_t b = 0; b < choices.size(); ++b) {
    for (std::size_t a = 0; a < choices.size() && !beaten[b]; ++a) {
      if (a != b && !beaten[a]) beaten[b] = beats(choices[a], choices[b], a < b, live);
    }
  }
  std::size_t i = 0;
  std::erase_if(choices, [&](const Choice&) { return beaten[i++]; });
}

}  // namespace rouse::core
