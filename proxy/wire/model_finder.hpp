#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rouse::wire {

/// Finds the top-level "model" and "stream" of a JSON object while its bytes stream by.
///
/// A push reader: feed() takes the body piece by piece, split anywhere, also inside an escape or a
/// UTF-8 sequence. It checks the structure as far as it has read; it allocates nothing but the
/// top-level key or the value it is inside. The first of two equal keys wins (as the peer does); a
/// number is taken as its text; nested keys of the same name are not looked at.
class ModelFinder {
 public:
  enum class State {
    Reading,    ///< needs more bytes
    Done,       ///< the top-level object ended
    Malformed,  ///< not JSON, or not an object; problem() says what and where
  };

  /// Bytes after Malformed are ignored.
  State feed(std::string_view piece);
  /// Call at the end of the body: an unfinished object becomes Malformed.
  State finish();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const std::optional<std::string>& model() const { return model_; }
  /// Truthiness of "stream": false for false, null, 0 and "".
  [[nodiscard]] const std::optional<bool>& stream() const { return stream_; }
  /// Both are known: the rest of the body needs no look.
  [[nodiscard]] bool settled() const { return model_ && stream_; }
  /// What is wrong, for the client: "expected ':' at byte 17".
  [[nodiscard]] std::string problem() const;

  /// The bytes of the body that the value of "model" covers, quotes included; for a rename by
  /// splicing. Valid once model() has a value.
  [[nodiscard]] std::size_t model_begin() const { return model_begin_; }
  [[nodiscard]] std::size_t model_end() const { return model_end_; }

 private:
  static constexpr std::size_t kDepthMax = 512;
  static constexpr std::size_t kKeptMax = 4096;  // a longer key or name is none of ours

  enum class Expect : std::uint8_t {
    Object,    // the opening brace of the whole
    KeyOrEnd,  // after '{'
    Key,       // after ',' in an object
    Colon,
    Value,
    ValueOrEnd,  // after '['
    CommaOrEnd,  // after a value
    String,      // inside a string
    Escape,      // after a backslash
    Hex,         // inside \uXXXX
    Scalar,      // inside a number or true, false, null
    Nothing,     // after the whole
  };
  enum class Capture : std::uint8_t { None, Key, Model, Stream };

  void take(char c);
  void take_structure(char c);
  void begin_value(char c);
  void end_value();
  void begin_string(bool is_key);
  void end_string();
  void take_string_char(char c);
  void take_escape(char c);
  void take_hex(char c);
  void end_scalar();
  void push(bool is_object);
  void pop(char c);
  void keep(char c);
  void keep_code_point(std::uint32_t code);
  void fail(std::string_view expected);
  [[nodiscard]] bool in_object() const { return kinds_[depth_ - 1]; }

  State state_ = State::Reading;
  Expect expect_ = Expect::Object;
  Capture capture_ = Capture::None;
  bool string_is_key_ = false;
  std::bitset<kDepthMax> kinds_;  // true: object
  std::size_t depth_ = 0;
  std::size_t at_ = 0;  // bytes taken so far
  std::string kept_;    // the key or value inside which we are, decoded
  bool kept_too_long_ = false;
  std::uint32_t hex_ = 0;
  int hex_digits_ = 0;
  std::uint32_t high_surrogate_ = 0;
  std::string_view expected_;

  std::optional<std::string> model_;
  std::optional<bool> stream_;
  std::size_t model_begin_ = 0;
  std::size_t model_end_ = 0;
};

}  // namespace rouse::wire
