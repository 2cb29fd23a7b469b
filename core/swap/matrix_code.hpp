#pragma once

#include "core/swap/bits.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace rouse::core {

/// One node of a compiled matrix. A reference to a set is an edge to the root of that set, so the
/// whole is a graph without cycles; every child stands before its parents.
struct MatrixNode {
  enum class Kind : std::uint8_t { Model, And, Or };
  Kind kind = Kind::Model;
  bool shared = false;                  ///< the root of a set that others refer to
  std::uint32_t model = 0;              ///< Model only: index into MatrixCode::models
  std::vector<std::uint32_t> children;  ///< And and Or only, left to right
  Bits support;                         ///< the models that occur in it
};

/// A compiled matrix: what Matrix asks and MatrixSolver evaluates. Only data.
struct MatrixCode {
  struct Set {
    std::size_t name = 0;  ///< index into set_names
    std::uint32_t root = 0;
  };

  std::map<std::string, std::uint32_t, std::less<>> index;  ///< model id -> bit, if in a set
  std::vector<std::string> models;                          ///< the other way round
  std::map<std::string, int, std::less<>> costs;            ///< those that are not 1
  std::vector<MatrixNode> nodes;
  std::vector<Set> sets;               ///< in evaluation order
  std::vector<std::string> set_names;  ///< in definition order
  std::vector<Bits> coexist;           ///< per model: those that share an alternative with it
};

}  // namespace rouse::core
