#include "core/matrix_expr.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace rouse::core {

namespace {

constexpr std::size_t kNestingMax = 200;

struct Token {
  enum class Kind { Name, Ref, Or, And, Open, Close, End };
  Kind kind = Kind::End;
  std::string_view text;
  std::size_t at = 0;
};

/// The length of the UTF-8 character at the start of @p text (1 for a broken one), and its code.
std::pair<std::size_t, std::uint32_t> character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t first = byte(0);
  const std::size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (length == 1 || length > text.size()) return {1, first};
  std::uint32_t code = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) code = (code << 6) | (byte(i) & 0x3fU);
  return {length, code};
}

bool is_space(std::uint32_t code) {
  if (code == ' ' || (code >= 9 && code <= 13) || code == 0x85 || code == 0xa0) return true;
  return code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
         code == 0x202f || code == 0x205f || code == 0x3000;
}

/// Beyond ASCII everything that is no space counts as a letter: without Unicode's tables, and no
/// name that the peer accepts is refused.
bool is_name(std::uint32_t code) {
  if (code < 0x80) {
    return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') ||
           (code >= '0' && code <= '9') || code == '_' || code == '-' || code == '.';
  }
  return !is_space(code);
}

class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  std::variant<std::vector<Token>, MatrixExprError> run() {
    std::vector<Token> tokens;
    while (at_ < text_.size()) {
      const auto [length, code] = character(text_.substr(at_));
      if (is_space(code)) {
        at_ += length;
      } else if (is_name(code)) {
        tokens.push_back({Token::Kind::Name, take_name(), start_});
      } else if (code == '+') {
        ++at_;
        const std::string_view name = take_name();
        if (name.empty()) {
          return MatrixExprError{at_ - 1, "tokenize: expected set name after '+' at position " +
                                              std::to_string(at_ - 1)};
        }
        tokens.push_back({Token::Kind::Ref, name, start_});
      } else if (const auto kind = sign(code)) {
        tokens.push_back({*kind, text_.substr(at_, 1), at_});
        ++at_;
      } else {
        return MatrixExprError{at_, "tokenize: unexpected character '" +
                                        std::string(text_.substr(at_, length)) + "' at position " +
                                        std::to_string(at_)};
      }
    }
    tokens.push_back({Token::Kind::End, {}, text_.size()});
    return tokens;
  }

 private:
  static std::optional<Token::Kind> sign(std::uint32_t code) {
    switch (code) {
      case '|':
        return Token::Kind::Or;
      case '&':
        return Token::Kind::And;
      case '(':
        return Token::Kind::Open;
      case ')':
        return Token::Kind::Close;
      default:
        return std::nullopt;
    }
  }

  std::string_view take_name() {
    start_ = at_;
    while (at_ < text_.size()) {
      const auto [length, code] = character(text_.substr(at_));
      if (!is_name(code)) break;
      at_ += length;
    }
    return text_.substr(start_, at_ - start_);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t start_ = 0;
};

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  std::variant<MatrixExpr, MatrixExprError> run() {
    MatrixExpr expr = either(0);
    if (!error_ && token().kind != Token::Kind::End) {
      fail("parse: unexpected token \"" + std::string(token().text) + "\" after expression");
    }
    if (error_) return *error_;
    return expr;
  }

 private:
  [[nodiscard]] const Token& token() const { return tokens_[next_]; }

  void fail(std::string text) {
    if (!error_) error_ = MatrixExprError{token().at, std::move(text)};
  }

  /// One or more of @p part, separated by @p sign.
  template <class Part>
  MatrixExpr chain(Token::Kind sign, MatrixExpr::Kind kind, Part part) {
    MatrixExpr first = part();
    if (error_ || token().kind != sign) return first;
    MatrixExpr expr;
    expr.kind = kind;
    expr.at = first.at;
    expr.parts.push_back(std::move(first));
    while (!error_ && token().kind == sign) {
      ++next_;
      expr.parts.push_back(part());
    }
    return expr;
  }

  MatrixExpr either(std::size_t depth) {
    return chain(Token::Kind::Or, MatrixExpr::Kind::Or, [&] { return both(depth); });
  }

  MatrixExpr both(std::size_t depth) {
    return chain(Token::Kind::And, MatrixExpr::Kind::And, [&] { return atom(depth); });
  }

  MatrixExpr atom(std::size_t depth) {
    MatrixExpr expr;
    const Token seen = token();
    expr.at = seen.at;
    if (seen.kind == Token::Kind::Name || seen.kind == Token::Kind::Ref) {
      expr.kind = seen.kind == Token::Kind::Ref ? MatrixExpr::Kind::Ref : MatrixExpr::Kind::Name;
      expr.name = seen.text;
      ++next_;
      return expr;
    }
    if (seen.kind != Token::Kind::Open) {
      fail("parse: unexpected token \"" + std::string(seen.text) + "\"");
      return expr;
    }
    if (depth == kNestingMax) {
      fail("parse: more than " + std::to_string(kNestingMax) + " parentheses inside each other");
      return expr;
    }
    ++next_;
    expr = either(depth + 1);
    if (error_) return expr;
    if (token().kind != Token::Kind::Close) {
      fail("parse: missing closing parenthesis");
      return expr;
    }
    ++next_;
    return expr;
  }

  std::vector<Token> tokens_;
  std::size_t next_ = 0;
  std::optional<MatrixExprError> error_;
};

}  // namespace

std::variant<MatrixExpr, MatrixExprError> parse_matrix_expr(std::string_view text) {
  auto tokens = Tokenizer(text).run();
  if (auto* error = std::get_if<MatrixExprError>(&tokens)) return *error;
  auto& list = std::get<std::vector<Token>>(tokens);
  if (list.size() == 1) return MatrixExprError{0, "empty DSL expression"};
  return Parser(std::move(list)).run();
}

}  // namespace rouse::core
