#include "proxy/wire/model_finder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace rouse::wire {

namespace {

constexpr bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Whether any byte of @p word ends the plain run of a string: a quote, a backslash or a control
/// character. Eight bytes at a time, since megabytes of message text pass by here.
bool word_has_special(std::uint64_t word) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  const auto has_zero = [](std::uint64_t w) { return (w - kOnes) & ~w & kHighs; };
  const std::uint64_t below_space = (word - kOnes * 0x20) & ~word & kHighs;
  return (has_zero(word ^ (kOnes * '"')) | has_zero(word ^ (kOnes * '\\')) | below_space) != 0;
}

/// How many bytes at the start of @p text need no look while skipping a string.
std::size_t plain_run(std::string_view text) {
  std::size_t n = 0;
  while (n + 8 <= text.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + n, 8);
    if (word_has_special(word)) break;
    n += 8;
  }
  return n;
}

/// RFC 8259 §6.
bool is_number(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t from = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - from;
  };
  if (i < text.size() && text[i] == '-') ++i;
  const bool leading_zero = i < text.size() && text[i] == '0';
  const std::size_t whole = digits();
  if (whole == 0 || (leading_zero && whole > 1)) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

bool is_zero(std::string_view number) {
  for (const char c : number) {
    if (c == 'e' || c == 'E') break;
    if (c >= '1' && c <= '9') return false;
  }
  return true;
}

}  // namespace

ModelFinder::State ModelFinder::feed(std::string_view piece) {
  std::size_t i = 0;
  while (i < piece.size() && state_ != State::Malformed) {
    const bool skips = expect_ == Expect::String && capture_ == Capture::None;
    if (skips && high_surrogate_ == 0) {
      const std::size_t run = plain_run(piece.substr(i));
      i += run;
      at_ += run;
      if (i == piece.size()) break;
    }
    take(piece[i]);
    ++i;
    ++at_;
  }
  return state_;
}

ModelFinder::State ModelFinder::finish() {
  if (state_ == State::Reading) fail(at_ == 0 ? "a JSON object" : "more: the body ends too early");
  return state_;
}

std::string ModelFinder::problem() const {
  return state_ == State::Malformed ? fmt::format("expected {} at byte {}", expected_, at_)
                                    : std::string();
}

void ModelFinder::fail(std::string_view expected) {
  state_ = State::Malformed;
  expected_ = expected;
}

void ModelFinder::take(char c) {
  switch (expect_) {
    case Expect::String:
      return take_string_char(c);
    case Expect::Escape:
      return take_escape(c);
    case Expect::Hex:
      return take_hex(c);
    case Expect::Scalar:
      if (is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' || c == 'E') {
        return keep(c);
      }
      end_scalar();
      if (state_ == State::Malformed) return;
      break;
    case Expect::Object:
    case Expect::KeyOrEnd:
    case Expect::Key:
    case Expect::Colon:
    case Expect::Value:
    case Expect::ValueOrEnd:
    case Expect::CommaOrEnd:
    case Expect::Nothing:
      break;
  }
  if (!is_space(c)) take_structure(c);
}

void ModelFinder::take_structure(char c) {
  switch (expect_) {
    case Expect::Object:
      return c == '{' ? push(true) : fail("a JSON object");
    case Expect::KeyOrEnd:
      if (c == '}') return pop(c);
      [[fallthrough]];
    case Expect::Key:
      return c == '"' ? begin_string(true) : fail("a key in quotes");
    case Expect::Colon:
      if (c != ':') return fail("':'");
      expect_ = Expect::Value;
      return;
    case Expect::ValueOrEnd:
      if (c == ']') return pop(c);
      [[fallthrough]];
    case Expect::Value:
      return begin_value(c);
    case Expect::CommaOrEnd:
      if (c != ',') return pop(c);
      expect_ = in_object() ? Expect::Key : Expect::Value;
      return;
    case Expect::Nothing:
      return fail("nothing after the object");
    case Expect::String:
    case Expect::Escape:
    case Expect::Hex:
    case Expect::Scalar:
      return;
  }
}

void ModelFinder::begin_value(char c) {
  if (capture_ == Capture::Model) model_begin_ = at_;
  if (c == '"') return begin_string(false);
  if (c == '{' || c == '[') {
    if (capture_ == Capture::Stream) stream_ = true;
    capture_ = Capture::None;
    return push(c == '{');
  }
  if (!is_digit(c) && c != '-' && c != 't' && c != 'f' && c != 'n') return fail("a value");
  kept_.clear();
  kept_too_long_ = false;
  expect_ = Expect::Scalar;
  keep(c);
}

void ModelFinder::end_value() {
  capture_ = Capture::None;
  expect_ = Expect::CommaOrEnd;
}

void ModelFinder::begin_string(bool is_key) {
  string_is_key_ = is_key;
  if (is_key) capture_ = depth_ == 1 && !settled() ? Capture::Key : Capture::None;
  kept_.clear();
  kept_too_long_ = false;
  high_surrogate_ = 0;
  expect_ = Expect::String;
}

void ModelFinder::end_string() {
  if (high_surrogate_ != 0) keep_code_point(0xfffd);
  high_surrogate_ = 0;
  if (string_is_key_) {
    const bool ours = capture_ == Capture::Key && !kept_too_long_;
    capture_ = Capture::None;
    if (ours && kept_ == "model" && !model_) capture_ = Capture::Model;
    if (ours && kept_ == "stream" && !stream_) capture_ = Capture::Stream;
    expect_ = Expect::Colon;
    return;
  }
  if (capture_ == Capture::Model && !kept_too_long_) {
    model_ = kept_;
    model_end_ = at_ + 1;
  }
  if (capture_ == Capture::Stream) stream_ = !kept_.empty();
  end_value();
}

void ModelFinder::take_string_char(char c) {
  if (c == '"') return end_string();
  if (c == '\\') {
    expect_ = Expect::Escape;
    return;
  }
  if (static_cast<unsigned char>(c) < 0x20) return fail("no control character inside a string");
  if (high_surrogate_ != 0) {
    keep_code_point(0xfffd);
    high_surrogate_ = 0;
  }
  if (capture_ != Capture::None) keep(c);
}

void ModelFinder::take_escape(char c) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  expect_ = Expect::String;
  if (c == 'u') {
    expect_ = Expect::Hex;
    hex_ = 0;
    hex_digits_ = 0;
    return;
  }
  const std::size_t which = kNames.find(c);
  if (which == std::string_view::npos) return fail("a known escape");
  if (high_surrogate_ != 0) keep_code_point(0xfffd);
  high_surrogate_ = 0;
  if (capture_ != Capture::None) keep(kMeanings[which]);
}

void ModelFinder::take_hex(char c) {
  std::uint32_t digit = 0;
  if (is_digit(c)) {
    digit = static_cast<std::uint32_t>(c - '0');
  } else if (c >= 'a' && c <= 'f') {
    digit = static_cast<std::uint32_t>(c - 'a' + 10);
  } else if (c >= 'A' && c <= 'F') {
    digit = static_cast<std::uint32_t>(c - 'A' + 10);
  } else {
    return fail("four hex digits");
  }
  hex_ = hex_ * 16 + digit;
  if (++hex_digits_ < 4) return;
  expect_ = Expect::String;
  const bool is_high = hex_ >= 0xd800 && hex_ < 0xdc00;
  const bool is_low = hex_ >= 0xdc00 && hex_ < 0xe000;
  const std::uint32_t high = std::exchange(high_surrogate_, 0);
  if (is_low && high != 0)
    return keep_code_point(0x10000 + ((high - 0xd800) << 10) + (hex_ - 0xdc00));
  if (high != 0) keep_code_point(0xfffd);
  if (is_high) {
    high_surrogate_ = hex_;
  } else {
    keep_code_point(is_low ? 0xfffd : hex_);
  }
}

void ModelFinder::end_scalar() {
  const bool is_word = kept_ == "true" || kept_ == "false" || kept_ == "null";
  if (!is_word && !is_number(kept_) && !kept_too_long_)
    return fail("a number, true, false or null");
  if (capture_ == Capture::Model && !is_word) {
    model_ = kept_;
    model_end_ = at_;
  }
  if (capture_ == Capture::Stream) {
    stream_ = kept_ == "true" || (!is_word && !is_zero(kept_));
  }
  end_value();
}

void ModelFinder::push(bool is_object) {
  if (depth_ == kDepthMax) return fail("no more than 512 levels");
  kinds_[depth_] = is_object;
  ++depth_;
  expect_ = is_object ? Expect::KeyOrEnd : Expect::ValueOrEnd;
}

void ModelFinder::pop(char c) {
  if (c != (in_object() ? '}' : ']')) return fail(in_object() ? "',' or '}'" : "',' or ']'");
  --depth_;
  if (depth_ == 0) {
    expect_ = Expect::Nothing;
    state_ = State::Done;
    return;
  }
  end_value();
}

void ModelFinder::keep(char c) {
  if (kept_.size() >= kKeptMax) {
    kept_too_long_ = true;
    return;
  }
  kept_ += c;
}

void ModelFinder::keep_code_point(std::uint32_t code) {
  if (capture_ == Capture::None) return;
  const auto tail = [&](int shift) { keep(static_cast<char>(0x80 | ((code >> shift) & 0x3f))); };
  if (code < 0x80) {
    keep(static_cast<char>(code));
  } else if (code < 0x800) {
    keep(static_cast<char>(0xc0 | (code >> 6)));
    tail(0);
  } else if (code < 0x10000) {
    keep(static_cast<char>(0xe0 | (code >> 12)));
    tail(6), tail(0);
  } else {
    keep(static_cast<char>(0xf0 | (code >> 18)));
    tail(12), tail(6), tail(0);
  }
}

}  // namespace rouse::wire
