#include "core/swap/matrix_expr.hpp"

#include <gtest/gtest.h>

#include <string>

namespace rouse::core {
namespace {

std::string show(const Expr& expr, std::size_t at) {
  const ExprNode& node = expr.nodes[at];
  if (node.kind == ExprNode::Kind::Name) return node.text;
  if (node.kind == ExprNode::Kind::Ref) return "+" + node.text;
  std::string out = node.kind == ExprNode::Kind::And ? "(&" : "(|";
  for (std::uint32_t child : node.children) out += " " + show(expr, child);
  return out + ")";
}

// The tree in prefix notation, or the offset and text of the error.
std::string parsed(std::string_view text) {
  const auto result = parse_matrix_expr(text);
  if (const auto* error = std::get_if<ExprError>(&result)) {
    return std::to_string(error->offset) + ": " + error->text;
  }
  const Expr& expr = std::get<Expr>(result);
  return show(expr, expr.nodes.size() - 1);
}

TEST(MatrixExpr, AndBindsTighterThanOr) {
  EXPECT_EQ(parsed("a"), "a");
  EXPECT_EQ(parsed("a & b"), "(& a b)");
  EXPECT_EQ(parsed("a | b & c | d"), "(| a (& b c) d)");
  EXPECT_EQ(parsed("(a | b) & c"), "(& (| a b) c)");
  EXPECT_EQ(parsed("a & (b & c)"), "(& a (& b c))");
  EXPECT_EQ(parsed("((a))"), "a");
}

TEST(MatrixExpr, NamesMayHoldDotsDashesAndLettersOfAnyScript) {
  EXPECT_EQ(parsed("qwen3-30b.q4_k & +base.1"), "(& qwen3-30b.q4_k +base.1)");
  EXPECT_EQ(parsed("größe|模型&мод"), "(| größe (& 模型 мод))");
}

TEST(MatrixExpr, AnyWhiteSpaceSeparates) {
  EXPECT_EQ(parsed("\t a\n&\r\nb\v\f"), "(& a b)");
  EXPECT_EQ(parsed("a\u00a0&\u3000b\u2009"), "(& a b)");
}

TEST(MatrixExpr, NodesKnowTheirOffset) {
  const auto result = parse_matrix_expr("é & (bb | +c)");
  const Expr& expr = std::get<Expr>(result);
  ASSERT_EQ(expr.nodes.size(), 5U);
  EXPECT_EQ(expr.nodes[1].text, "bb");
  EXPECT_EQ(expr.nodes[1].offset, 6U);
  EXPECT_EQ(expr.nodes[2].text, "c");
  EXPECT_EQ(expr.nodes[2].offset, 11U);
  EXPECT_EQ(expr.nodes[4].offset, 0U);
}

TEST(MatrixExpr, NothingIsAnError) {
  EXPECT_EQ(parsed(""), "0: the set is empty: it wants models, as in a & (b | c)");
  EXPECT_EQ(parsed(" \n "), "0: the set is empty: it wants models, as in a & (b | c)");
}

const std::string kShortName = ": give such a model a short name under vars";

TEST(MatrixExpr, StrangeCharactersAreNamed) {
  EXPECT_EQ(parsed("a , b"), "2: ',' cannot be part of a name (character 3)" + kShortName);
  EXPECT_EQ(parsed("org/a"), "3: '/' cannot be part of a name (character 4)" + kShortName);
  EXPECT_EQ(parsed("a\u200b & b"),
            "1: the character U+200B cannot be part of a name (character 2)" + kShortName);
  EXPECT_EQ(parsed(std::string_view("a\0", 2)),
            "1: the character U+0000 cannot be part of a name (character 2)" + kShortName);
}

TEST(MatrixExpr, BytesThatAreNotUtf8AreNamed) {
  const auto expected = [](const char* byte, int at) {
    return std::to_string(at) + ": the byte 0x" + byte +
           ", which is not UTF-8, cannot be part of a name (character " + std::to_string(at + 1) +
           ")" + kShortName;
  };
  EXPECT_EQ(parsed("a \xff"), expected("FF", 2));
  EXPECT_EQ(parsed("a \xc3"), expected("C3", 2));              // cut short
  EXPECT_EQ(parsed("a \xc3("), expected("C3", 2));             // no continuation
  EXPECT_EQ(parsed("a \xc0\x80"), expected("C0", 2));          // overlong
  EXPECT_EQ(parsed("a \xe0\x80\x80"), expected("E0", 2));      // overlong
  EXPECT_EQ(parsed("a \xed\xa0\x80"), expected("ED", 2));      // surrogate
  EXPECT_EQ(parsed("a \xf4\x90\x80\x80"), expected("F4", 2));  // beyond Unicode
  EXPECT_EQ(parsed("a \xf0\x9f\x98"), expected("F0", 2));      // cut short
  EXPECT_EQ(parsed("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");   // and this one is whole
}

TEST(MatrixExpr, PlusMustTouchItsName) {
  EXPECT_EQ(parsed("a & + b"), "4: '+' wants the name of a set right behind it (character 5)");
  EXPECT_EQ(parsed("+"), "0: '+' wants the name of a set right behind it (character 1)");
  EXPECT_EQ(parsed("++a"), "0: '+' wants the name of a set right behind it (character 1)");
}

TEST(MatrixExpr, MisplacedTokensAreNamed) {
  EXPECT_EQ(parsed("a &"), "3: a model is missing before the end (character 4)");
  EXPECT_EQ(parsed("()"), "1: a model is missing before \")\" (character 2)");
  EXPECT_EQ(parsed("| a"), "0: a model is missing before \"|\" (character 1)");
  EXPECT_EQ(parsed("a & | b"), "4: a model is missing before \"|\" (character 5)");
  EXPECT_EQ(parsed("a b"), "2: a \"&\" or \"|\" is missing before \"b\" (character 3)");
  EXPECT_EQ(parsed("a +b"), "2: a \"&\" or \"|\" is missing before \"+b\" (character 3)");
  EXPECT_EQ(parsed("a)"), "1: this \")\" closes nothing (character 2)");
}

TEST(MatrixExpr, MissingParenthesisPointsAtTheOpenOne) {
  EXPECT_EQ(parsed("a & (b | c"),
            "4: the \"(\" that opens here is never closed: a \")\" is missing (character 5)");
  EXPECT_EQ(parsed("(a b)"), "3: a \"&\" or \"|\" is missing before \"b\" (character 4)");
}

TEST(MatrixExpr, DeepNestingIsRefusedInsteadOfOverflowing) {
  const std::string open(kMatrixDepthMax, '(');
  const std::string close(kMatrixDepthMax, ')');
  EXPECT_EQ(parsed(open + "a" + close), "a");
  EXPECT_EQ(parsed("(" + open + "a" + close + ")"),
            "200: more than 200 open parentheses (character 201)");
  EXPECT_EQ(parsed(std::string(1'000'000, '(')),
            "200: more than 200 open parentheses (character 201)");
}

}  // namespace
}  // namespace rouse::core
