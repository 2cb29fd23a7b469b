#pragma once

#include "core/swap/matrix_code.hpp"
#include "core/swap/residency.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rouse::core {

/// A matrix as configured. All lists are in definition order.
struct MatrixSpec {
  std::vector<ModelId> models;                            ///< every model id there is
  std::vector<std::pair<std::string, std::string>> vars;  ///< short name -> real model id
  std::vector<std::pair<std::string, int>> evict_costs;   ///< var or model id -> cost, default 1
  std::vector<std::pair<std::string, std::string>> sets;  ///< name -> expression
};

/// One fault of a MatrixSpec, placed so that the reader of the file can point at it.
struct MatrixProblem {
  enum class Where : std::uint8_t { Var, Cost, Set, Sets };
  Where where = Where::Sets;
  std::string name;               ///< the key under vars, evict_costs or sets; empty with Sets
  std::optional<std::size_t> at;  ///< byte offset in the set's expression, if it is there
  std::string text;               ///< for people

  bool operator==(const MatrixProblem&) const = default;
};

/// The rule "these may run together": alternatives made of sets of models, and what it costs to
/// evict each. Of all alternatives with the target the one that evicts least, in cost, is chosen.
/// Of equal ones that whose models are back the soonest, then that whose models were not used for
/// longest. Then the first: sets in definition order, but what a set refers to before itself; the
/// alternatives of a set left to right, as if multiplied out.
///
/// The choice is exact while, of the target and the running models, no more than ten occur in two
/// or more branches of the same "&" (sets of disjoint branches have no limit). Beyond that it may
/// be dearer than the cheapest, but it is always an alternative with the target.
class Matrix final : public Residency {
 public:
  /// The matrix, or all problems of @p spec: vars, then costs, then sets.
  [[nodiscard]] static std::variant<std::shared_ptr<const Matrix>, std::vector<MatrixProblem>>
  compile(const MatrixSpec& spec);

  explicit Matrix(MatrixCode code) : code_(std::move(code)) {}

  /// How a request was decided. set: index into set_names() or empty when in no set.
  struct Choice {
    std::optional<std::size_t> set;
    std::int64_t cost = 0;
    std::vector<ModelId> evict;  ///< sorted
    std::size_t considered = 0;  ///< partial alternatives looked at: the work done
    bool exact = true;           ///< false: the limit above was passed
  };
  [[nodiscard]] Choice choose(std::string_view target, const ModelSet& running,
                              const Worths& worths = {}) const;

  using Residency::make_room;
  [[nodiscard]] Eviction make_room(std::string_view target, const ModelSet& running,
                                   const Worths& worths) const override;
  [[nodiscard]] bool may_coexist(std::string_view a, std::string_view b) const override;

  /// The names of the sets in definition order.
  [[nodiscard]] const std::vector<std::string>& set_names() const { return code_.set_names; }

  struct Expansion {
    std::vector<ModelSet> alternatives;  ///< the first ones, left to right, each once
    bool more = false;                   ///< there may be others
  };
  /// The alternatives of a set, at most @p limit (at least 1); none for an unknown name.
  [[nodiscard]] Expansion expand(std::string_view set_name, std::size_t limit) const;

 private:
  [[nodiscard]] std::string tie_text(std::string_view target, const ModelSet& running,
                                     const Worths& worths, const Choice& choice) const;

  MatrixCode code_;
};

}  // namespace rouse::core
