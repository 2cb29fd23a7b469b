#include "core/swap/matrix.hpp"

#include "core/swap/describe_eviction.hpp"
#include "core/swap/matrix_solver.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <unordered_set>

namespace rouse::core {
namespace {

// The first alternatives of a node, each once, in the order of the full expansion.
struct Listing {
  std::vector<Bits> alternatives;
  bool more = false;

  // False: there was no room for it.
  bool add(const Bits& alternative, std::size_t limit) {
    if (seen_.contains(alternative)) return true;
    more = alternatives.size() == limit;
    if (more) return false;
    seen_.insert(alternative);
    alternatives.push_back(alternative);
    return true;
  }

 private:
  std::unordered_set<Bits, BitsHash> seen_;
};

// A list that was cut short ends the whole: what follows it is not next in the full expansion.
Listing either(const Listing& left, const Listing& right, std::size_t limit) {
  Listing out = left;
  if (left.more) return out;
  for (const Bits& alternative : right.alternatives) {
    if (!out.add(alternative, limit)) return out;
  }
  out.more = right.more;
  return out;
}

Listing both(const Listing& left, const Listing& right, std::size_t limit) {
  Listing out;
  for (const Bits& a : left.alternatives) {
    for (const Bits& b : right.alternatives) {
      if (!out.add(a | b, limit)) return out;
    }
    if (right.more) break;
  }
  out.more = left.more || right.more;
  return out;
}

/// What it is worth to keep each of @p running, where that costs as much as to keep another: first
/// what it takes to get it back, in tenths of a second, then how lately it was used. Nothing where
/// nothing is known.
class Keeping {
 public:
  Keeping(const ModelSet& running, const Worths& worths) {
    std::set<Instant> uses;
    for (const auto& [id, worth] : worths) uses.insert(worth.last_used);
    // All ranks together are less than one tenth.
    const auto tenth = static_cast<std::int64_t>(running.size() * uses.size() + 1);
    for (const auto& [id, worth] : worths) {
      const std::int64_t tenths = std::clamp<Duration::rep>(worth.reload.count() / 100, 0, kMost);
      of_[id] = tenths * tenth + std::distance(uses.begin(), uses.find(worth.last_used));
    }
    for (const ModelId& model : running) all_ += of(model);
  }

  [[nodiscard]] std::int64_t of(std::string_view model) const {
    const auto it = of_.find(model);
    return it == of_.end() ? 0 : it->second;
  }
  [[nodiscard]] std::int64_t all() const { return all_; }

 private:
  static constexpr std::int64_t kMost = 36'000;  // an hour

  std::map<ModelId, std::int64_t, std::less<>> of_;
  std::int64_t all_ = 0;
};

}  // namespace

Matrix::Choice Matrix::choose(std::string_view target, const ModelSet& running,
                              const Worths& worths) const {
  Choice choice;
  if (running.contains(target)) return choice;
  const auto cost_of = [&](std::string_view model) -> std::int64_t {
    const auto it = code_.costs.find(model);
    return it == code_.costs.end() ? 1 : it->second;
  };
  std::int64_t costs = 0;
  for (const ModelId& model : running) costs += cost_of(model);
  const Keeping keeping(running, worths);
  // One of the rule's costs outweighs all of these; where such numbers end, they count nothing.
  const bool fits = costs < std::numeric_limits<std::int64_t>::max() / 4 / (keeping.all() + 1);
  const std::int64_t unit = fits ? keeping.all() + 1 : 1;
  const auto weight_of = [&](std::string_view model) {
    return cost_of(model) * unit + (fits ? keeping.of(model) : 0);
  };
  // The target weighs more than all the others together, so every alternative with it beats every
  // one without. A running model in no set counts for the cost only.
  std::vector<std::int64_t> weights(code_.models.size(), 0);
  Bits wanted(code_.models.size());
  std::int64_t total = 0;
  for (const ModelId& model : running) {
    total += weight_of(model);
    const auto it = code_.index.find(model);
    if (it == code_.index.end()) continue;
    wanted.set(it->second);
    weights[it->second] = weight_of(model);
  }
  const auto bit = code_.index.find(target);
  if (bit == code_.index.end()) {
    choice.cost = costs;
    choice.evict.assign(running.begin(), running.end());
    return choice;
  }
  const std::int64_t target_weight = total + 1;
  wanted.set(bit->second);
  weights[bit->second] = target_weight;

  MatrixSolver solver(code_, std::move(wanted), bit->second, weights);
  MatrixSolver::Choice best;
  for (const MatrixCode::Set& set : code_.sets) {
    if (!code_.nodes[set.root].support.test(bit->second)) continue;
    MatrixSolver::Choice found = solver.best(set.root);
    if (found.value <= best.value) continue;
    best = std::move(found);
    choice.set = set.name;
  }
  choice.cost = (total - (best.value - target_weight)) / unit;
  for (const ModelId& model : running) {
    const auto it = code_.index.find(model);
    if (it == code_.index.end() || !best.models.test(it->second)) choice.evict.push_back(model);
  }
  choice.considered = solver.considered();
  choice.exact = solver.exact();
  return choice;
}

Eviction Matrix::make_room(std::string_view target, const ModelSet& running,
                           const Worths& worths) const {
  if (running.contains(target)) return {{}, "already running"};
  Choice choice = choose(target, running, worths);
  if (!choice.set) return {std::move(choice.evict), "in no set: runs alone"};
  std::string reason = "set " + code_.set_names[*choice.set] + ": " +
                       describe_eviction(target, choice.evict, running) + " (cost " +
                       std::to_string(choice.cost) + tie_text(target, running, worths, choice) +
                       ")";
  return {std::move(choice.evict), std::move(reason)};
}

/// Why it is not the first of those that cost the same, for people.
std::string Matrix::tie_text(std::string_view target, const ModelSet& running, const Worths& worths,
                             const Choice& choice) const {
  if (worths.empty() || choice.evict.empty()) return {};
  const Choice first = choose(target, running);
  if (first.evict == choice.evict || first.cost != choice.cost) return {};
  const auto reload = [&worths](const std::vector<ModelId>& models) {
    Duration sum{0};
    for (const ModelId& model : models) {
      const auto it = worths.find(model);
      if (it != worths.end()) sum += it->second.reload;
    }
    return sum.count() / 100;
  };
  if (reload(choice.evict) < reload(first.evict)) return "; others cost as much and load longer";
  return "; others cost as much and were used later";
}

bool Matrix::may_coexist(std::string_view a, std::string_view b) const {
  if (a == b) return true;
  const auto first = code_.index.find(a);
  const auto second = code_.index.find(b);
  if (first == code_.index.end() || second == code_.index.end()) return false;
  return code_.coexist[first->second].test(second->second);
}

Matrix::Expansion Matrix::expand(std::string_view set_name, std::size_t limit) const {
  limit = std::max<std::size_t>(limit, 1);
  Expansion out;
  const auto wanted = std::find_if(
      code_.sets.begin(), code_.sets.end(),
      [&](const MatrixCode::Set& set) { return code_.set_names[set.name] == set_name; });
  if (wanted == code_.sets.end()) return out;
  // Children stand before their parents, so one pass up to the root suffices.
  std::vector<Listing> listings(wanted->root + 1);
  for (std::uint32_t at = 0; at <= wanted->root; ++at) {
    const MatrixNode& node = code_.nodes[at];
    Listing& listing = listings[at];
    if (node.kind == MatrixNode::Kind::Model) {
      listing.add(node.support, limit);
      continue;
    }
    listing = listings[node.children.front()];
    for (std::size_t i = 1; i < node.children.size(); ++i) {
      const Listing& next = listings[node.children[i]];
      listing = node.kind == MatrixNode::Kind::And ? both(listing, next, limit)
                                                   : either(listing, next, limit);
    }
  }
  out.more = listings.back().more;
  for (const Bits& alternative : listings.back().alternatives) {
    ModelSet models;
    alternative.for_each([&](std::size_t model) { models.insert(code_.models[model]); });
    out.alternatives.push_back(std::move(models));
  }
  return out;
}

}  // namespace rouse::core
