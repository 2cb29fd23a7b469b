#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace rouse::wire {

/// Finds the top-level "model" and "stream" of a JSON object while its bytes stream by.
///
/// A push reader: feed() takes the body piece by piece, split anywhere, also inside an escape or a
/// UTF-8 sequence. It checks the structure as far as it has read; it allocates nothing but the key
/// or value it is inside. The first of two equal keys wins (as the peer does); a number is taken as
/// its text; nested keys of the same name are not looked at.
class ModelFinder {
 public:
  enum class State {
    Reading,    ///< needs more bytes
    Done,       ///< the top-level object ended
    Malformed,  ///< not JSON, or not an object; where() says at which byte
  };

  State feed(std::string_view piece);
  /// Call at the end of the body: an unfinished object becomes Malformed.
  State finish();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const std::optional<std::string>& model() const { return model_; }
  [[nodiscard]] const std::optional<bool>& stream() const { return stream_; }  ///< truthiness
  /// What is wrong, for the client: "expected ':' at byte 17".
  [[nodiscard]] std::string problem() const;

  /// The bytes of the body that the value of "model" covers, quotes included; for a rename by
  /// splicing. Valid once model() has a value.
  [[nodiscard]] std::size_t model_begin() const { return model_begin_; }
  [[nodiscard]] std::size_t model_end() const { return model_end_; }

 private:
  // ... owned by the implementation of this class
  State state_ = State::Reading;
  std::optional<std::string> model_;
  std::optional<bool> stream_;
  std::size_t model_begin_ = 0;
  std::size_t model_end_ = 0;
};

}  // namespace rouse::wire
