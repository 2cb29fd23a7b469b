#pragma once

#include "core/matrix.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace rouse::core {

/// A few bits for the models that matter to one question: those that run, and the wanted one.
class Members {
 public:
  explicit Members(std::size_t size = 0) : words_((size + 63) / 64) {}
  void add(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << (i % 64); }
  [[nodiscard]] bool has(std::size_t i) const { return (words_[i / 64] >> (i % 64) & 1U) != 0; }
  [[nodiscard]] bool meets(const Members& other) const;
  [[nodiscard]] bool is_within(const Members& other) const;
  void merge(const Members& other);
  bool operator==(const Members&) const = default;

 private:
  std::vector<std::uint64_t> words_;
};

/// Answers one question: the cheapest alternative of each set that holds the target.
class Matrix::Solver {
 public:
  /// @p running holds indices of models, without @p target.
  Solver(const Matrix& matrix, std::size_t target, const std::vector<std::size_t>& running);

  struct Best {
    std::size_t set = 0;
    long kept = 0;    ///< the cost of what need not leave
    Members members;  ///< bit i: running[i]; the last bit: the target
  };
  /// Nothing when the target is in no set.
  [[nodiscard]] std::optional<Best> solve();

 private:
  struct Pick {
    long kept = 0;
    Members members;
  };
  /// What is known of one node.
  struct Answer {
    Members leaves;            ///< the models that matter anywhere below
    std::optional<Pick> any;   ///< the best of all alternatives
    std::optional<Pick> with;  ///< the best of those that hold the target
  };

  const Answer& answer(std::size_t node);
  Answer answer_name(const Node& node) const;
  Answer answer_or(const Node& node);
  Answer answer_and(const Node& node);
  Answer answer_apart(const Node& node);
  Answer answer_overlapping(std::size_t node);
  const std::vector<Members>& frontier(std::size_t node);
  void add_to_frontier(std::vector<Members>& list, Members candidate) const;
  [[nodiscard]] long weight(const Members& members) const;
  [[nodiscard]] Pick empty_pick() const { return {0, Members(bits_)}; }

  const Matrix& matrix_;
  std::size_t bits_;                 // running ones, and one for the target
  std::vector<std::size_t> bit_of_;  // by model index; bits_ when it does not matter
  std::vector<long> weights_;
  std::vector<std::optional<Answer>> answers_;
  std::vector<std::optional<std::vector<Members>>> frontiers_;
};

}  // namespace rouse::core
