#pragma once

#include "core/swap/bits.hpp"
#include "core/swap/matrix_code.hpp"

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
/// The first pass keeps few choices; it is exact for what people write. Where it had to drop some,
/// a second pass keeps many and drops those that cannot reach what the first one found.
///
/// Short-lived: one request; @p code and @p weights must outlive it.
class MatrixSolver {
 public:
  /// No list of choices is longer; with up to ten live models none could be.
  static constexpr std::size_t kChoicesMax = 1024;
  static constexpr std::size_t kChoicesFirstPass = 16;

  struct Choice {
    Bits models;             ///< the wanted models in it
    std::int64_t value = 0;  ///< the sum of their weights
  };

  /// @p wanted includes @p target, which must weigh more than all the others together.
  MatrixSolver(const MatrixCode& code, Bits wanted, std::size_t target,
               const std::vector<std::int64_t>& weights)
      : code_(code), wanted_(std::move(wanted)), target_(target), weights_(weights) {}

  /// The alternative of @p root, which must contain the target, with the highest value; the first
  /// of equal ones.
  [[nodiscard]] Choice best(std::uint32_t root);

  [[nodiscard]] std::size_t considered() const { return considered_; }
  /// Whether every best() so far was the highest for certain.
  [[nodiscard]] bool exact() const { return all_exact_; }

 private:
  using Choices = std::vector<Choice>;  // in the order of the full expansion
  struct Known {
    Choices choices;
    bool exact = true;
  };
  // The most that a part can add, the target's weight aside.
  struct Bound {
    std::int64_t plain = 0;
    std::int64_t with_target = kNever;  // when the part has to bring the target
  };
  static constexpr std::int64_t kNever = -1;

  Choices solve(std::uint32_t at, const Bits& outer, const Bound* beside);
  Choices solve_shared(std::uint32_t at, const Bits& live);
  Choices solve_any(const MatrixNode& node, const Bits& live, const Bound* beside);
  Choices solve_all(const MatrixNode& node, const Bits& live, const Bound* beside);
  Choices join(const std::vector<std::uint32_t>& parts, const Bits& outer, const Bound* beside);
  Choices product(const Choices& left, const Choices& right, const Bound* rest) const;
  void prune(Choices& choices, const Bits& live);
  void prune_equal(Choices& choices, const Bits& live) const;
  void prune_beaten(Choices& choices, const Bits& live) const;
  void keep_best(Choices& choices, std::size_t count);

  void find_bounds();
  [[nodiscard]] Bound bound_of(const std::vector<std::uint32_t>& parts, std::size_t from) const;
  [[nodiscard]] static Bound both(const Bound& a, const Bound& b);
  [[nodiscard]] bool beats(const Choice& a, const Choice& b, bool earlier, const Bits& live) const;
  [[nodiscard]] Bits support(std::uint32_t at) const { return code_.nodes[at].support & wanted_; }
  [[nodiscard]] Bits none() const { return Bits(code_.models.size()); }

  const MatrixCode& code_;
  const Bits wanted_;
  const std::size_t target_;
  const std::vector<std::int64_t>& weights_;

  std::size_t choices_max_ = kChoicesFirstPass;
  std::int64_t floor_ = 0;     // second pass: what the first found for this root
  std::vector<Bound> bounds_;  // second pass: per node
  std::map<std::pair<std::uint32_t, Bits>, Known> seen_[2];  // per pass, of shared nodes

  std::size_t considered_ = 0;
  bool exact_ = true;      // nothing was dropped blindly in the work under way
  bool all_exact_ = true;  // nor in any that is done
};

}  // namespace rouse::core
