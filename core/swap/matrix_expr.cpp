#include "core/swap/matrix_expr.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace rouse::core {
namespace {

struct Token {
  enum class Kind : std::uint8_t { Name, Ref, And, Or, Open, Close, End };
  Kind kind = Kind::End;
  std::size_t offset = 0;
  std::string_view text;  // as written; of a Ref without its "+"
};

struct Character {
  char32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

// Decodes the character at the front of a non-empty text.
Character decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  char32_t code = lead & (0x7fU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80U) return {};
    code = (code << 6U) | (byte(i) & 0x3fU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (overlong || surrogate || code > 0x10ffff) return {};
  return {code, length, true};
}

bool is_space(char32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

// Characters that nobody can see and that come in by copy and paste: as part of a name they would
// only make "unknown model" baffling.
bool is_invisible(char32_t c) {
  return (c >= 0x80 && c < 0xa0) || c == 0xad || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

bool is_name(char32_t c) {
  if (c >= 0x80) return !is_space(c) && !is_invisible(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

std::string hex(unsigned value, int digits) {
  std::string out;
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    out += "0123456789ABCDEF"[value >> static_cast<unsigned>(shift) & 0xfU];
  }
  return out;
}

/// @p text ends where the place of the fault belongs.
ExprError fail(std::string text, std::size_t offset, const std::string& remedy = {}) {
  return {offset, std::move(text) + " (character " + std::to_string(offset + 1) + ")" + remedy};
}

ExprError unexpected_character(std::string_view rest, const Character& c, std::size_t offset) {
  std::string shown;
  if (!c.valid) {
    shown = "the byte 0x" + hex(static_cast<unsigned char>(rest[0]), 2) + ", which is not UTF-8,";
  } else if (c.code < 0x20 || c.code == 0x7f || is_invisible(c.code)) {
    shown = "the character U+" + hex(static_cast<unsigned>(c.code), 4);
  } else {
    shown = "'" + std::string(rest.substr(0, c.bytes)) + "'";
  }
  return fail(shown + " cannot be part of a name", offset,
              ": give such a model a short name under vars");
}

std::string_view name_at(std::string_view text, std::size_t offset) {
  std::size_t end = offset;
  while (end < text.size()) {
    const Character c = decode(text.substr(end));
    if (!c.valid || !is_name(c.code)) break;
    end += c.bytes;
  }
  return text.substr(offset, end - offset);
}

std::variant<std::vector<Token>, ExprError> tokenize(std::string_view text) {
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = decode(text.substr(at));
    if (c.valid && is_space(c.code)) {
      at += c.bytes;
      continue;
    }
    constexpr std::string_view kSigns = "&|()";
    constexpr std::array kKinds{Token::Kind::And, Token::Kind::Or, Token::Kind::Open,
                                Token::Kind::Close};
    const std::size_t sign = kSigns.find(text[at]);
    if (sign != std::string_view::npos) {
      tokens.push_back({kKinds[sign], at, text.substr(at, 1)});
      ++at;
      continue;
    }
    const bool ref = text[at] == '+';
    const std::string_view name = name_at(text, ref ? at + 1 : at);
    if (name.empty()) {
      if (ref) return fail("'+' wants the name of a set right behind it", at);
      return unexpected_character(text.substr(at), c, at);
    }
    tokens.push_back({ref ? Token::Kind::Ref : Token::Kind::Name, at, name});
    at += name.size() + (ref ? 1 : 0);
  }
  tokens.push_back({Token::Kind::End, text.size(), {}});
  return tokens;
}

// Recursive descent; the first error wins and ends it.
class Parser {
 public:
  explicit Parser(const std::vector<Token>& tokens) : tokens_(tokens) {}

  std::variant<Expr, ExprError> parse() {
    const std::optional<std::uint32_t> root = any_of();
    if (root && !peek(Token::Kind::End)) {
      error_ = peek(Token::Kind::Close) ? fail("this \")\" closes nothing", here().offset)
                                        : missing_sign();
    }
    if (error_) return *error_;
    return std::move(expr_);
  }

 private:
  using Index = std::optional<std::uint32_t>;  // empty: error_ is set

  Index any_of() { return chain(Token::Kind::Or, ExprNode::Kind::Or, &Parser::all_of); }
  Index all_of() { return chain(Token::Kind::And, ExprNode::Kind::And, &Parser::atom); }

  Index chain(Token::Kind separator, ExprNode::Kind kind, Index (Parser::*part)()) {
    const std::size_t offset = here().offset;
    std::vector<std::uint32_t> children;
    for (;;) {
      const Index child = (this->*part)();
      if (!child) return child;
      children.push_back(*child);
      if (!peek(separator)) break;
      ++at_;
    }
    if (children.size() == 1) return children.front();
    return add({kind, offset, {}, std::move(children)});
  }

  Index atom() {
    const Token& token = here();
    if (token.kind == Token::Kind::Name || token.kind == Token::Kind::Ref) {
      ++at_;
      const bool ref = token.kind == Token::Kind::Ref;
      return add({ref ? ExprNode::Kind::Ref : ExprNode::Kind::Name,
                  token.offset,
                  std::string(token.text),
                  {}});
    }
    if (token.kind != Token::Kind::Open) {
      error_ = fail("a model is missing before " + quoted(), token.offset);
      return std::nullopt;
    }
    if (depth_ == kMatrixDepthMax) {
      error_ =
          fail("more than " + std::to_string(kMatrixDepthMax) + " open parentheses", token.offset);
      return std::nullopt;
    }
    ++at_;
    ++depth_;
    const Index inner = any_of();
    --depth_;
    if (!inner) return inner;
    if (!peek(Token::Kind::Close)) {
      error_ =
          peek(Token::Kind::End)
              ? fail("the \"(\" that opens here is never closed: a \")\" is missing", token.offset)
              : missing_sign();
      return std::nullopt;
    }
    ++at_;
    return inner;
  }

  [[nodiscard]] const Token& here() const { return tokens_[at_]; }
  [[nodiscard]] bool peek(Token::Kind kind) const { return here().kind == kind; }
  [[nodiscard]] ExprError missing_sign() const {
    return fail("a \"&\" or \"|\" is missing before " + quoted(), here().offset);
  }
  [[nodiscard]] std::string quoted() const {
    if (peek(Token::Kind::End)) return "the end";
    return (peek(Token::Kind::Ref) ? "\"+" : "\"") + std::string(here().text) + "\"";
  }
  std::uint32_t add(ExprNode node) {
    expr_.nodes.push_back(std::move(node));
    return static_cast<std::uint32_t>(expr_.nodes.size() - 1);
  }

  const std::vector<Token>& tokens_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  Expr expr_;
  std::optional<ExprError> error_;
};

}  // namespace

std::variant<Expr, ExprError> parse_matrix_expr(std::string_view text) {
  std::variant<std::vector<Token>, ExprError> tokens = tokenize(text);
  if (const auto* error = std::get_if<ExprError>(&tokens)) return *error;
  const std::vector<Token>& list = std::get<std::vector<Token>>(tokens);
  if (list.size() == 1) return ExprError{0, "the set is empty: it wants models, as in a & (b | c)"};
  return Parser(list).parse();
}

}  // namespace rouse::core
