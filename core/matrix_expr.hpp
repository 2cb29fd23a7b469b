#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rouse::core {

/// A residency rule as a tree: `(a | b) & +base`. `&` binds tighter than `|`.
struct MatrixExpr {
  enum class Kind { Name, Ref, And, Or };
  Kind kind = Kind::Name;
  std::string name;               ///< of a Name (variable or model) or a Ref (another set)
  std::size_t at = 0;             ///< byte offset of the name in the text
  std::vector<MatrixExpr> parts;  ///< of And and Or: two or more, left to right
};

/// Where a text is wrong and how, in the peer's words (llama-swap-behaviour.md §3.2).
struct MatrixExprError {
  std::size_t at = 0;  ///< byte offset
  std::string text;
};

/// Reads @p text. Names are letters and digits of any script, "_", "-" and "."; other ASCII signs
/// and Unicode white space are not part of one.
[[nodiscard]] std::variant<MatrixExpr, MatrixExprError> parse_matrix_expr(std::string_view text);

}  // namespace rouse::core
