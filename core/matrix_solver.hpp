#pragma once

#include "core/bits.hpp"
#include "core/matrix_code.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace rouse::core {

/// Finds, for one request, the most valuable alternative of a node without multiplying it out.
///
/// A partial alternative matters only by which of the wanted models it holds. Branches of an "&"
/// influence each other only through wanted models that occur in more than one of them: the *live*
/// ones. So every node yields a short list of choices, one per useful combination of live models;
/// where nothing is live that is the single best one, and disjoint branches never multiply.
///
/// Short-lived: one request; @p code and @p weights must outlive it.
class MatrixSolver {
 public:
  /// No list of choices is longer; with up to nine live models none could be.
  static constexpr std::size_t kChoicesMax = 512;

  struct Choice {
    Bits models;             ///< the wanted models in it
    std::int64_t value = 0;  ///< the sum of their weights
  };

  MatrixSolver(const MatrixCode& code, Bits wanted, const std::vector<std::int64_t>& weights)
      : code_(code), wanted_(std::move(wanted)), weights_(weights) {}

  /// The alternative of @p root with the highest value, the first of equal ones.
  [[nodiscard]] Choice best(std::uint32_t root);

  [[nodiscard]] std::size_t considered() const { return considered_; }
  [[nodiscard]] bool exact() const { return exact_; }

 private:
  using Choices = std::vector<Choice>;  // in the order of the full expansion

  Choices solve(std::uint32_t at, const Bits& outer);
  Choices solve_any(const MatrixNode& node, const Bits& live);
  Choices solve_all(const MatrixNode& node, const Bits& live);
  Choices join(const std::vector<std::uint32_t>& parts, const Bits& outer);
  Choices product(const Choices& left, const Choices& right);
  void prune(Choices& choices, const Bits& live);
  void keep_best(Choices& choices, std::size_t count);
  void prune_beaten(Choices& choices, const Bits& live) const;
  [[nodiscard]] bool beats(const Choice& a, const Choice& b, bool earlier, const Bits& live) const;
  [[nodiscard]] Bits support(std::uint32_t at) const { return code_.nodes[at].support & wanted_; }
  [[nodiscard]] Bits none() const { return Bits(code_.models.size()); }

  const MatrixCode& code_;
  const Bits wanted_;
  const std::vector<std::int64_t>& weights_;
  std::map<std::pair<std::uint32_t, Bits>, Choices> seen_;  // of shared nodes
  std::size_t considered_ = 0;
  bool exact_ = true;
};

}  // namespace rouse::core
