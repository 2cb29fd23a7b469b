#pragma once

#include <array>
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
/// top-level key or the value it is inside. "model" twice, in whatever case, is Malformed, since
/// others may go by the second one; of "stream" the first wins. A number is taken as its text;
/// nested keys of the same name are not looked at. A byte-order mark at the very start is let
/// through, as engines do; UTF-8 is not checked, that is theirs to do.
///
/// So many members, since it may stop at any byte: each is where it is in one construct of JSON.
class ModelFinder {
 public:
  static constexpr std::size_t kDepthMax = 512;        ///< objects and arrays inside each other
  static constexpr std::size_t kValueBytesMax = 4096;  ///< of a name; a longer one is Malformed

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
  /// "model" is there, but is neither a string nor a number (and model() is empty): worth saying.
  [[nodiscard]] bool model_is_no_text() const { return model_seen_ && !model_; }
  /// Truthiness of "stream": false for false, null, 0 and "".
  [[nodiscard]] const std::optional<bool>& stream() const { return stream_; }
  /// Both are known: the rest of the body needs no look.
  [[nodiscard]] bool settled() const { return model_seen_ && stream_; }
  /// What is wrong, for the client: "expected ':' at byte 17".
  [[nodiscard]] std::string problem() const;

  /// The bytes of the body that the value of "model" covers, quotes included; for a rename by
  /// splicing. Valid once model() has a value.
  [[nodiscard]] std::size_t model_begin() const { return model_begin_; }
  [[nodiscard]] std::size_t model_end() const { return model_end_; }

 private:
  enum class Step : std::uint8_t {
    Begin,
    Mark,  // inside a byte-order mark
    FirstKey,
    Key,
    Colon,
    FirstItem,
    Value,
    AfterValue,
    Text,  // inside a string
    Escape,
    Hex,
    Number,
    Literal,
    End,
  };
  /// What the string, number or literal that is being read is kept for.
  enum class Keep : std::uint8_t { Nothing, Key, Model, Stream };
  enum class Digits : std::uint8_t { Minus, Zero, Whole, Point, Fraction, Mark, Sign, Exponent };

  const char* advance(const char* at, const char* end);
  const char* read_text(const char* at, const char* end);
  const char* read_number(const char* at, const char* end);
  void read_structure(char c);
  void read_mark(char c);
  void read_escape(char c);
  void read_hex(char c);
  void read_literal(char c);
  void begin_value(char c);
  void begin_text(Step after, Keep keep);
  void begin_literal(const char* rest);
  void open(bool object);
  void close(char c);
  void end_text();
  void end_key();
  void end_scalar(std::size_t end);
  void end_without_scalar();
  void keep(std::string_view bytes);
  void keep_code_unit(std::uint16_t unit);
  void drop_half_pair();
  void fail(std::string_view what);
  [[nodiscard]] bool in_object() const;

  State state_ = State::Reading;
  Step step_ = Step::Begin;
  Step after_text_ = Step::Colon;  // where to go on when the string ends
  Keep keep_ = Keep::Nothing;
  Digits digits_ = Digits::Minus;
  bool key_too_long_ = false;
  bool model_seen_ = false;
  bool is_named_ = false;   // by "model" in whatever case
  char scalar_first_ = 0;   // '"' for a string, else the first byte of the value
  std::uint8_t count_ = 0;  // bytes of the mark, or hex digits, read so far
  std::uint16_t hex_ = 0;
  std::uint16_t high_surrogate_ = 0;
  const char* literal_rest_ = "";
  std::size_t offset_ = 0;  // in the body, of the byte that is being read
  std::size_t depth_ = 0;
  std::array<std::uint64_t, kDepthMax / 64> is_object_{};  // a bit for each level
  std::string kept_;                                       // the key or value inside which we are
  std::string_view problem_;
  std::size_t problem_at_ = 0;

  std::optional<std::string> model_;
  std::optional<bool> stream_;
  std::size_t model_begin_ = 0;
  std::size_t model_end_ = 0;
};

}  // namespace rouse::wire
