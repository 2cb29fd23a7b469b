#pragma once

#include "core/matrix_expr.hpp"
#include "core/residency.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rouse::core {

/// A matrix as it is written, everything in the order of the file.
struct MatrixSpec {
  std::vector<ModelId> models;                            ///< all that are configured
  std::vector<std::pair<std::string, std::string>> vars;  ///< short name -> model id
  std::vector<std::pair<std::string, int>> evict_costs;   ///< var or model id -> cost
  std::vector<std::pair<std::string, std::string>> sets;  ///< name -> expression
};

/// One thing that is wrong with a MatrixSpec, and the entry it is wrong in.
struct MatrixProblem {
  enum class Where { Var, Cost, Set, Sets };
  Where where = Where::Sets;
  std::string name;               ///< of the entry; empty with Sets
  std::optional<std::size_t> at;  ///< byte offset in a set's expression
  std::string text;
};

/// Which models may be resident together, as sets of alternatives (llama-swap-behaviour.md §3).
/// Sets are permissions: a part of an alternative is always allowed. Of all alternatives that hold
/// the wanted model the one whose evictions cost least is chosen; of equals the first, sets in the
/// order of the file (after those they refer to), alternatives from left to right. A model that is
/// in no set runs alone. Immutable.
class Matrix final : public Residency {
 public:
  /// All problems of @p spec, or the matrix.
  [[nodiscard]] static std::variant<std::shared_ptr<const Matrix>, std::vector<MatrixProblem>>
  compile(const MatrixSpec& spec);

  /// Alternatives are never spelled out: a branch's best is found on its own wherever the branches
  /// of an `&` share no running model, which is nearly always.
  [[nodiscard]] Eviction make_room(std::string_view target, const ModelSet& running) const override;
  [[nodiscard]] bool may_coexist(std::string_view a, std::string_view b) const override;

  [[nodiscard]] std::vector<std::string> set_names() const;  ///< in the order of the file

  struct Expansion {
    std::vector<ModelSet> alternatives;
    bool more = false;  ///< there are more than were asked for
  };
  /// The first @p limit different alternatives of a set, for people.
  [[nodiscard]] Expansion expand(std::string_view set, std::size_t limit) const;

 private:
  struct Node {
    MatrixExpr::Kind kind = MatrixExpr::Kind::Name;  ///< Ref stands for nothing: it is resolved
    std::size_t model = 0;
    std::vector<std::size_t> parts;
  };
  struct Set {
    std::string name;
    std::size_t root = 0;
  };
  class Compiler;
  class Solver;

  std::vector<ModelId> models_;
  std::map<ModelId, std::size_t, std::less<>> index_;
  std::vector<int> costs_;
  std::vector<Node> nodes_;
  std::vector<Set> sets_;                ///< in the order of the file
  std::vector<std::size_t> evaluation_;  ///< indices of sets_, referenced ones first
};

}  // namespace rouse::core
