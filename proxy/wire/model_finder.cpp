#include "proxy/wire/model_finder.hpp"

#include "base/text/ascii.hpp"
#include "base/text/utf8.hpp"
#include "proxy/wire/text_scan.hpp"

#include <algorithm>
#include <utility>

namespace rouse::wire {
namespace {

constexpr std::string_view kNamedTwice = "\"model\" a second time";
constexpr std::uint32_t kReplacement = 0xFFFD;
constexpr std::size_t kKeyBytesMax = 6;  // of "stream": a longer key is none of ours

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The letters after a backslash, but for u.
bool is_short_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return true;
    default:
      return false;
  }
}

bool is_truthy(char first, std::string_view text) {
  if (first == '"') return !text.empty();
  if (first != '-' && !is_digit(first)) return first == 't';
  return text.substr(0, text.find_first_of("eE")).find_first_of("123456789") != text.npos;
}

}  // namespace

ModelFinder::State ModelFinder::feed(std::string_view piece) {
  const char* at = piece.data();
  const char* const end = at + piece.size();
  while (at != end && state_ != State::Malformed) {
    const char* const next = advance(at, end);
    offset_ += static_cast<std::size_t>(next - at);
    at = next;
  }
  return state_;
}

ModelFinder::State ModelFinder::finish() {
  if (state_ == State::Reading) {
    fail(step_ == Step::Begin ? "no JSON object" : "unfinished JSON object");
  }
  return state_;
}

std::string ModelFinder::problem() const {
  return state_ == State::Malformed
             ? std::string(problem_) + " at byte " + std::to_string(problem_at_)
             : std::string();
}

void ModelFinder::fail(std::string_view what) {
  state_ = State::Malformed;
  problem_ = what;
  problem_at_ = offset_;
}

/// Reads one byte, or as many as are alike, and returns the first that is not read yet.
const char* ModelFinder::advance(const char* at, const char* end) {
  switch (step_) {
    case Step::Text:
      return read_text(at, end);
    case Step::Number:
      return read_number(at, end);
    case Step::Mark:
      read_mark(*at);
      break;
    case Step::Escape:
      read_escape(*at);
      break;
    case Step::Hex:
      read_hex(*at);
      break;
    case Step::Literal:
      read_literal(*at);
      break;
    case Step::Begin:
    case Step::FirstKey:
    case Step::Key:
    case Step::Colon:
    case Step::FirstItem:
    case Step::Value:
    case Step::AfterValue:
    case Step::End:
      if (!is_space(*at)) read_structure(*at);
      break;
  }
  return at + 1;
}

void ModelFinder::read_structure(char c) {
  switch (step_) {
    case Step::Begin:
      if (c == '{') return open(true);
      if (offset_ == 0 && c == '\xEF') {
        step_ = Step::Mark;
        return;
      }
      return fail("expected '{'");
    case Step::FirstKey:
      if (c == '}') return close(c);
      [[fallthrough]];
    case Step::Key:
      if (c != '"') return fail("expected a key in quotes");
      return begin_text(Step::Colon, depth_ == 1 ? Keep::Key : Keep::Nothing);
    case Step::Colon:
      if (c != ':') return fail("expected ':'");
      step_ = Step::Value;
      return;
    case Step::FirstItem:
      if (c == ']') return close(c);
      [[fallthrough]];
    case Step::Value:
      return begin_value(c);
    case Step::AfterValue:
      if (c != ',') return close(c);
      step_ = in_object() ? Step::Key : Step::Value;
      return;
    case Step::End:
      return fail("unexpected text after the JSON object");
    case Step::Mark:
    case Step::Text:
    case Step::Escape:
    case Step::Hex:
    case Step::Number:
    case Step::Literal:
      return;
  }
}

void ModelFinder::read_mark(char c) {
  constexpr std::string_view kRest = "\xBB\xBF";
  if (c != kRest[count_]) return fail("expected '{'");
  if (++count_ == kRest.size()) step_ = Step::Begin;
}

void ModelFinder::begin_value(char c) {
  if (keep_ == Keep::Model) model_begin_ = offset_;
  scalar_first_ = c;
  switch (c) {
    case '"':
      return begin_text(Step::AfterValue, keep_);
    case '{':
    case '[':
      end_without_scalar();
      return open(c == '{');
    case 't':
      return begin_literal("rue");
    case 'f':
      return begin_literal("alse");
    case 'n':
      return begin_literal("ull");
    default:
      break;
  }
  if (c != '-' && !is_digit(c)) return fail("expected a value");
  step_ = Step::Number;
  digits_ = c == '-' ? Digits::Minus : c == '0' ? Digits::Zero : Digits::Whole;
  kept_.clear();
  keep({&c, 1});
}

void ModelFinder::begin_text(Step after, Keep keep) {
  step_ = Step::Text;
  after_text_ = after;
  keep_ = keep;
  key_too_long_ = false;
  high_surrogate_ = 0;
  kept_.clear();
}

void ModelFinder::begin_literal(const char* rest) {
  literal_rest_ = rest;
  step_ = Step::Literal;
}

void ModelFinder::open(bool object) {
  if (depth_ == kDepthMax) return fail("objects and arrays nested too deep");
  const std::uint64_t bit = std::uint64_t{1} << (depth_ % 64);
  std::uint64_t& word = is_object_[depth_ / 64];
  word = object ? word | bit : word & ~bit;
  ++depth_;
  step_ = object ? Step::FirstKey : Step::FirstItem;
}

void ModelFinder::close(char c) {
  if (c != (in_object() ? '}' : ']')) {
    return fail(in_object() ? "expected ',' or '}'" : "expected ',' or ']'");
  }
  --depth_;
  step_ = depth_ == 0 ? Step::End : Step::AfterValue;
  if (depth_ == 0) state_ = State::Done;
}

bool ModelFinder::in_object() const {
  return (is_object_[(depth_ - 1) / 64] >> ((depth_ - 1) % 64) & 1) != 0;
}

const char* ModelFinder::read_text(const char* at, const char* end) {
  const char* special = find_special(at, end);
  if (keep_ == Keep::Nothing) {
    // Prose has an escape every line or so: those that need no decoding are passed without leaving.
    while (end - special >= 2 && *special == '\\' && is_short_escape(special[1])) {
      special = find_special(special + 2, end);
    }
  } else if (special != at) {
    keep({at, static_cast<std::size_t>(special - at)});
  }
  if (special == end || state_ == State::Malformed) return end;
  const auto passed = static_cast<std::size_t>(special - at);
  offset_ += passed;
  if (*special == '"') {
    end_text();
  } else if (*special == '\\') {
    step_ = Step::Escape;
  } else {
    fail("control character in a string");
  }
  offset_ -= passed;
  return special + 1;
}

void ModelFinder::read_escape(char c) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  if (c == 'u') {
    step_ = Step::Hex;
    count_ = 0;
    hex_ = 0;
    return;
  }
  const std::size_t index = kNames.find(c);
  if (index == std::string_view::npos) return fail("unknown escape in a string");
  step_ = Step::Text;
  if (keep_ != Keep::Nothing) keep(kMeanings.substr(index, 1));
}

void ModelFinder::read_hex(char c) {
  const char lower = static_cast<char>(c | 0x20);
  const bool is_letter = lower >= 'a' && lower <= 'f';
  if (!is_digit(c) && !is_letter) return fail("expected four hex digits after \\u");
  const int digit = is_letter ? lower - 'a' + 10 : c - '0';
  hex_ = static_cast<std::uint16_t>(hex_ << 4 | digit);
  if (++count_ < 4) return;
  step_ = Step::Text;
  if (keep_ != Keep::Nothing) keep_code_unit(hex_);
}

/// Joins the two halves of a surrogate pair; a half without its other becomes U+FFFD.
void ModelFinder::keep_code_unit(std::uint16_t unit) {
  const bool is_high = unit >= 0xD800 && unit < 0xDC00;
  const bool is_low = unit >= 0xDC00 && unit < 0xE000;
  std::uint32_t code = is_low ? kReplacement : unit;
  if (is_low && high_surrogate_ != 0) {
    const std::uint32_t high = std::exchange(high_surrogate_, std::uint16_t{0});
    code = 0x10000 + ((high - 0xD800U) << 10) + (unit - 0xDC00U);
  }
  if (is_high) {
    drop_half_pair();
    high_surrogate_ = unit;
    return;
  }
  std::string bytes;
  append_utf8(bytes, code);
  keep(bytes);
}

void ModelFinder::drop_half_pair() {
  if (std::exchange(high_surrogate_, std::uint16_t{0}) != 0) append_utf8(kept_, kReplacement);
}

void ModelFinder::keep(std::string_view bytes) {
  if (keep_ == Keep::Nothing) return;
  drop_half_pair();
  const bool too_long =
      kept_.size() + bytes.size() > (keep_ == Keep::Key ? kKeyBytesMax : kValueBytesMax);
  if (!too_long) {
    kept_ += bytes;
  } else if (keep_ == Keep::Key) {
    key_too_long_ = true;
  } else {
    fail(keep_ == Keep::Model ? "the name of the model is too long" : "\"stream\" is too long");
  }
}

void ModelFinder::end_text() {
  drop_half_pair();
  step_ = after_text_;
  if (keep_ == Keep::Key) return end_key();
  if (keep_ != Keep::Nothing) end_scalar(offset_ + 1);
}

void ModelFinder::end_key() {
  keep_ = Keep::Nothing;
  if (key_too_long_) return;
  if (to_lower(kept_) == "model" && std::exchange(is_named_, true)) return fail(kNamedTwice);
  if (kept_ == "model" && !model_seen_) keep_ = Keep::Model;
  if (kept_ == "stream" && !stream_) keep_ = Keep::Stream;
}

const char* ModelFinder::read_number(const char* at, const char* end) {
  const char c = *at;
  const auto accept = [&](Digits next) {
    digits_ = next;
    if (keep_ != Keep::Nothing) keep({at, 1});
    return at + 1;
  };
  switch (digits_) {
    case Digits::Minus:
      if (is_digit(c)) return accept(c == '0' ? Digits::Zero : Digits::Whole);
      break;
    case Digits::Whole:
      if (is_digit(c)) return accept(Digits::Whole);
      [[fallthrough]];
    case Digits::Zero:
      if (c == '.') return accept(Digits::Point);
      if (c == 'e' || c == 'E') return accept(Digits::Mark);
      break;
    case Digits::Fraction:
      if (c == 'e' || c == 'E') return accept(Digits::Mark);
      [[fallthrough]];
    case Digits::Point:
      if (is_digit(c)) return accept(Digits::Fraction);
      break;
    case Digits::Mark:
      if (c == '+' || c == '-') return accept(Digits::Sign);
      [[fallthrough]];
    case Digits::Sign:
    case Digits::Exponent:
      if (is_digit(c)) return accept(Digits::Exponent);
      break;
  }
  if (digits_ == Digits::Minus || digits_ == Digits::Point || digits_ == Digits::Mark ||
      digits_ == Digits::Sign) {
    fail("expected a digit");
    return end;
  }
  // The byte after a number is no part of it: it is read again as structure.
  step_ = Step::AfterValue;
  end_scalar(offset_);
  return at;
}

void ModelFinder::read_literal(char c) {
  if (c != *literal_rest_) return fail("expected true, false, null or a value");
  if (*++literal_rest_ != '\0') return;
  step_ = Step::AfterValue;
  end_scalar(offset_ + 1);
}

void ModelFinder::end_scalar(std::size_t end) {
  const Keep kept = std::exchange(keep_, Keep::Nothing);
  if (kept == Keep::Stream) stream_ = is_truthy(scalar_first_, kept_);
  if (kept != Keep::Model) return;
  model_seen_ = true;
  const bool is_text = scalar_first_ == '"' || scalar_first_ == '-' || is_digit(scalar_first_);
  if (!is_text) return;
  model_ = std::move(kept_);
  kept_.clear();
  model_end_ = end;
}

void ModelFinder::end_without_scalar() {
  const Keep kept = std::exchange(keep_, Keep::Nothing);
  if (kept == Keep::Model) model_seen_ = true;
  if (kept == Keep::Stream) stream_ = true;
}

}  // namespace rouse::wire
