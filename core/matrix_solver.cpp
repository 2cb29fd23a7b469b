#include "core/matrix_solver.hpp"

#include <algorithm>
#include <utility>

namespace rouse::core {

bool Members::meets(const Members& other) const {
  for (std::size_t i = 0; i < words_.size(); ++i) {
    if ((words_[i] & other.words_[i]) != 0) return true;
  }
  return false;
}

bool Members::is_within(const Members& other) const {
  for (std::size_t i = 0; i < words_.size(); ++i) {
    if ((words_[i] & ~other.words_[i]) != 0) return false;
  }
  return true;
}

void Members::merge(const Members& other) {
  for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
}

Matrix::Solver::Solver(const Matrix& matrix, std::size_t target,
                       const std::vector<std::size_t>& running)
    : matrix_(matrix),
      bits_(running.size() + 1),
      bit_of_(matrix.models_.size(), bits_),
      answers_(matrix.nodes_.size()),
      frontiers_(matrix.nodes_.size()) {
  for (std::size_t i = 0; i < running.size(); ++i) {
    bit_of_[running[i]] = i;
    weights_.push_back(matrix.costs_[running[i]]);
  }
  bit_of_[target] = bits_ - 1;
  weights_.push_back(0);
}

std::optional<Matrix::Solver::Best> Matrix::Solver::solve() {
  std::optional<Best> best;
  for (const std::size_t set : matrix_.evaluation_) {
    const std::optional<Pick>& with = answer(matrix_.sets_[set].root).with;
    if (with && (!best || with->kept > best->kept)) best = Best{set, with->kept, with->members};
  }
  return best;
}

const Matrix::Solver::Answer& Matrix::Solver::answer(std::size_t index) {
  if (answers_[index]) return *answers_[index];
  const Node& node = matrix_.nodes_[index];
  Answer made;
  if (node.kind == MatrixExpr::Kind::Name) {
    made = answer_name(node);
  } else if (node.kind == MatrixExpr::Kind::Or) {
    made = answer_or(node);
  } else {
    made = answer_and(node);
    if (!made.any) made = answer_overlapping(index);
  }
  answers_[index] = std::move(made);
  return *answers_[index];
}

Matrix::Solver::Answer Matrix::Solver::answer_name(const Node& node) const {
  Answer made;
  made.leaves = Members(bits_);
  made.any = empty_pick();
  const std::size_t bit = bit_of_[node.model];
  if (bit == bits_) return made;
  made.leaves.add(bit);
  made.any->members.add(bit);
  made.any->kept = weights_[bit];
  if (bit == bits_ - 1) made.with = made.any;
  return made;
}

Matrix::Solver::Answer Matrix::Solver::answer_or(const Node& node) {
  Answer made;
  made.leaves = Members(bits_);
  for (const std::size_t part : node.parts) {
    const Answer& below = answer(part);
    made.leaves.merge(below.leaves);
    if (below.any && (!made.any || below.any->kept > made.any->kept)) made.any = below.any;
    if (below.with && (!made.with || below.with->kept > made.with->kept)) made.with = below.with;
  }
  return made;
}

/// Without `any` when two branches share a model that matters: they cannot be judged apart then.
Matrix::Solver::Answer Matrix::Solver::answer_and(const Node& node) {
  Members seen(bits_);
  for (const std::size_t part : node.parts) {
    const Members& leaves = answer(part).leaves;
    if (seen.meets(leaves)) return Answer();
    seen.merge(leaves);
  }
  return answer_apart(node);
}

/// Branches that share nothing: the best of the whole is the best of each, and the target can come
/// from one of them only.
Matrix::Solver::Answer Matrix::Solver::answer_apart(const Node& node) {
  Answer made;
  made.leaves = Members(bits_);
  made.any = empty_pick();
  bool holds_target = false;
  Pick with = empty_pick();
  for (const std::size_t part : node.parts) {
    const Answer& below = answer(part);
    made.leaves.merge(below.leaves);
    made.any->kept += below.any->kept;
    made.any->members.merge(below.any->members);
    const Pick& chosen = below.with ? *below.with : *below.any;
    holds_target = holds_target || below.with.has_value();
    with.kept += chosen.kept;
    with.members.merge(chosen.members);
  }
  if (holds_target) made.with = std::move(with);
  return made;
}

/// Branches that share models: all combinations that matter are compared. Exponential at worst in
/// the number of running models that the branches of one `&` have in common.
Matrix::Solver::Answer Matrix::Solver::answer_overlapping(std::size_t index) {
  Answer made;
  made.leaves = Members(bits_);
  for (const std::size_t part : matrix_.nodes_[index].parts) made.leaves.merge(answer(part).leaves);
  for (const Members& members : frontier(index)) {
    const long kept = weight(members);
    if (!made.any || kept > made.any->kept) made.any = Pick{kept, members};
    if (!members.has(bits_ - 1)) continue;
    if (!made.with || kept > made.with->kept) made.with = Pick{kept, members};
  }
  return made;
}

/// The alternatives of a node that differ in what matters, in order, without those that are part of
/// another one. Which of several equals comes first follows the peer's pruning exactly.
const std::vector<Members>& Matrix::Solver::frontier(std::size_t index) {
  if (frontiers_[index]) return *frontiers_[index];
  const Node& node = matrix_.nodes_[index];
  std::vector<Members> list;
  if (node.kind == MatrixExpr::Kind::Name) {
    Members members(bits_);
    if (bit_of_[node.model] != bits_) members.add(bit_of_[node.model]);
    list.push_back(std::move(members));
  } else if (node.kind == MatrixExpr::Kind::Or) {
    for (const std::size_t part : node.parts) {
      for (const Members& each : frontier(part)) add_to_frontier(list, each);
    }
  } else {
    list.emplace_back(bits_);
    for (const std::size_t part : node.parts) {
      std::vector<Members> combined;
      for (const Members& left : list) {
        for (const Members& right : frontier(part)) {
          Members both = left;
          both.merge(right);
          add_to_frontier(combined, std::move(both));
        }
      }
      list = std::move(combined);
    }
  }
  frontiers_[index] = std::move(list);
  return *frontiers_[index];
}

void Matrix::Solver::add_to_frontier(std::vector<Members>& list, Members candidate) const {
  const bool covered = std::any_of(list.begin(), list.end(),
                                   [&](const Members& each) { return candidate.is_within(each); });
  if (covered) return;
  std::erase_if(list, [&](const Members& each) { return each.is_within(candidate); });
  list.push_back(std::move(candidate));
}

long Matrix::Solver::weight(const Members& members) const {
  long sum = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (members.has(i)) sum += weights_[i];
  }
  return sum;
}

}  // namespace rouse::core
