#include "core/swap/matrix_solver.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <unordered_map>
#include <utility>

namespace rouse::core {
namespace {

constexpr std::size_t kCheap = 128;  // choices that may be compared in pairs

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
  choices_max_ = kChoicesFirstPass;
  exact_ = true;
  Choice found = solve(root, none(), nullptr).front();
  if (exact_) return found;

  choices_max_ = kChoicesMax;
  exact_ = true;
  floor_ = found.value;
  find_bounds();
  const Bound nothing_beside;
  const Choices again = solve(root, none(), &nothing_beside);
  all_exact_ = all_exact_ && exact_;
  // Only when something was dropped blindly can the second pass have lost what the first one found.
  return again.empty() || again.front().value < floor_ ? found : again.front();
}

// The choices of a node; `outer` are the models that occur beside it. `beside`, known at the root
// only: what all that is beside it can add at most; choices that stay below the floor even then are
// left out, and that may be all of them.
MatrixSolver::Choices MatrixSolver::solve(std::uint32_t at, const Bits& outer,
                                          const Bound* beside) {
  const MatrixNode& node = code_.nodes[at];
  const Bits mine = support(at);
  if (!mine.any()) return {{none(), 0}};
  if (node.kind == MatrixNode::Kind::Model) return {{mine, weights_[node.model]}};
  const Bits live = mine & outer;
  if (node.shared && beside == nullptr) return solve_shared(at, live);
  return node.kind == MatrixNode::Kind::And ? solve_all(node, live, beside)
                                            : solve_any(node, live, beside);
}

MatrixSolver::Choices MatrixSolver::solve_shared(std::uint32_t at, const Bits& live) {
  auto& seen = seen_[choices_max_ == kChoicesMax ? 1 : 0];
  std::pair<std::uint32_t, Bits> key{at, live};
  auto known = seen.find(key);
  if (known == seen.end()) {
    const MatrixNode& node = code_.nodes[at];
    const bool exact_before = std::exchange(exact_, true);
    Choices choices = node.kind == MatrixNode::Kind::And ? solve_all(node, live, nullptr)
                                                         : solve_any(node, live, nullptr);
    known = seen.emplace(std::move(key), Known{std::move(choices), exact_}).first;
    exact_ = exact_before;
  }
  exact_ = exact_ && known->second.exact;
  return known->second.choices;
}

MatrixSolver::Choices MatrixSolver::solve_any(const MatrixNode& node, const Bits& live,
                                              const Bound* beside) {
  Choices choices;
  for (std::uint32_t child : node.children) {
    for (Choice& choice : solve(child, live, beside)) choices.push_back(std::move(choice));
  }
  prune(choices, live);
  return choices;
}

MatrixSolver::Choices MatrixSolver::solve_all(const MatrixNode& node, const Bits& live,
                                              const Bound* beside) {
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
  Choices choices = join(parts[touched], live, nullptr);
  for (std::size_t i = 0; i <= count; ++i) {
    if (i == touched || parts[i].empty()) continue;
    if (beside == nullptr) {
      choices = product(choices, join(parts[i], none(), nullptr), nullptr);
      continue;
    }
    Bound rest = *beside;
    for (std::size_t other = 0; other <= count; ++other) {
      if (other != i) rest = both(rest, bound_of(parts[other], 0));
    }
    choices = product(choices, join(parts[i], none(), &rest), nullptr);
  }
  return choices;
}

// The branches `parts` of an "&" taken together, beside `outer`.
MatrixSolver::Choices MatrixSolver::join(const std::vector<std::uint32_t>& parts, const Bits& outer,
                                         const Bound* beside) {
  std::vector<Bits> later(parts.size() + 1, none());
  for (std::size_t i = parts.size(); i-- > 0;) later[i] = later[i + 1] | support(parts[i]);
  Choices joined{{none(), 0}};
  Bits before = none();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Bits after = outer | later[i + 1];
    const Choices next = solve(parts[i], before | after, nullptr);
    Bound rest;
    if (beside != nullptr) rest = both(*beside, bound_of(parts, i + 1));
    joined = product(joined, next, beside == nullptr ? nullptr : &rest);
    before |= support(parts[i]);
    prune(joined, before & after);
  }
  return joined;
}

// Every choice of `left` with every one of `right`, without those that cannot reach the floor with
// what `rest` can add.
MatrixSolver::Choices MatrixSolver::product(const Choices& left, const Choices& right,
                                            const Bound* rest) const {
  const Bits nothing = none();
  Choices out;
  out.reserve(left.size() * right.size());
  for (const Choice& a : left) {
    for (const Choice& b : right) {
      std::int64_t value = a.value + b.value;
      Bits::for_each_only_in(a.models, nothing, b.models,
                             [&](std::size_t model) { value -= weights_[model]; });
      if (rest != nullptr) {
        const bool has_target = a.models.test(target_) || b.models.test(target_);
        if (!has_target && rest->with_target == kNever) continue;
        const std::int64_t add = has_target ? rest->plain : rest->with_target + weights_[target_];
        if (value + add < floor_) continue;
      }
      out.push_back({a.models | b.models, value});
    }
  }
  return out;
}

void MatrixSolver::find_bounds() {
  if (!bounds_.empty()) return;
  bounds_.reserve(code_.nodes.size());
  for (const MatrixNode& node : code_.nodes) {
    Bound bound;
    if (node.kind == MatrixNode::Kind::And) {
      bound = bound_of(node.children, 0);
    } else if (node.kind == MatrixNode::Kind::Or) {
      for (std::uint32_t child : node.children) {
        bound.plain = std::max(bound.plain, bounds_[child].plain);
        bound.with_target = std::max(bound.with_target, bounds_[child].with_target);
      }
    } else if (node.model == target_) {
      bound.with_target = 0;
    } else {
      bound.plain = weights_[node.model];
    }
    bounds_.push_back(bound);
  }
}

MatrixSolver::Bound MatrixSolver::bound_of(const std::vector<std::uint32_t>& parts,
                                           std::size_t from) const {
  Bound out;
  for (std::size_t i = from; i < parts.size(); ++i) out = both(out, bounds_[parts[i]]);
  return out;
}

MatrixSolver::Bound MatrixSolver::both(const Bound& a, const Bound& b) {
  Bound out{a.plain + b.plain, kNever};
  if (a.with_target != kNever) out.with_target = a.with_target + b.plain;
  if (b.with_target != kNever) {
    out.with_target = std::max(out.with_target, a.plain + b.with_target);
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
  prune_equal(choices, live);
  if (choices.size() <= kCheap) prune_beaten(choices, live);
  keep_best(choices, choices_max_);
}

// Of those that hold the same live models the first best stays.
void MatrixSolver::prune_equal(Choices& choices, const Bits& live) const {
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
