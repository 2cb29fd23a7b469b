#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rouse::core {

/// One node of a parsed set expression. Parentheses leave no trace; chains of the same operator
/// are one node.
struct ExprNode {
  enum class Kind : std::uint8_t {
    Name,  ///< a var or a model id, in @ref text
    Ref,   ///< another set, in @ref text without its "+"
    And,   ///< the children together
    Or,    ///< one of the children, the leftmost preferred
  };
  Kind kind = Kind::Name;
  std::size_t offset = 0;               ///< byte offset of its first token in the expression
  std::string text;                     ///< Name and Ref only
  std::vector<std::uint32_t> children;  ///< And and Or only: at least two, left to right
};

/// A parsed expression: children stand before their parents, the root is the last node.
struct Expr {
  std::vector<ExprNode> nodes;
};

struct ExprError {
  std::size_t offset = 0;  ///< byte offset in the expression, from 0
  std::string text;        ///< for people; ends with the position
};

/// Parentheses and references deeper than this are refused, so that recursion is bounded.
inline constexpr std::size_t kMatrixDepthMax = 200;

/// Reads a set expression:
///
///     expr := and ("|" and)*      and := atom ("&" atom)*
///     atom := NAME | "+" NAME | "(" expr ")"
///
/// A NAME is one or more of: ASCII letter, digit, "_", "-", ".", and any character outside ASCII
/// that is visible. The exact Unicode classes do not matter: a name must also be a model, a var or
/// a set, and whatever is not is refused there by name. White space (Unicode) separates.
[[nodiscard]] std::variant<Expr, ExprError> parse_matrix_expr(std::string_view text);

}  // namespace rouse::core
