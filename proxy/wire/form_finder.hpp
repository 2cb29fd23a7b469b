#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rouse::wire {

/// Finds the fields "model" and "stream" of a form while its bytes stream by: the sibling of
/// ModelFinder for multipart/form-data (RFC 7578, RFC 2046 §5.1) and
/// application/x-www-form-urlencoded.
///
/// A push reader: pieces may be split anywhere. "model" twice, in whatever case, is Malformed,
/// since others may go by the second one; of "stream" the first wins. Files are skipped at memory
/// speed; nothing is kept but a delimiter's length and the field inside which we are.
class FormFinder {
 public:
  static constexpr std::size_t kPartHeadMax = 16 * 1024;
  static constexpr std::size_t kValueBytesMax = 4096;

  enum class State { Reading, Done, Malformed };

  /// Of a multipart body; @p boundary as in its content type.
  [[nodiscard]] static FormFinder multipart(std::string_view boundary);
  [[nodiscard]] static FormFinder urlencoded();

  State feed(std::string_view piece);
  /// Call at the end of the body: a multipart body without its last delimiter becomes Malformed.
  State finish();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const std::optional<std::string>& model() const { return model_; }
  [[nodiscard]] const std::optional<bool>& stream() const { return stream_; }
  [[nodiscard]] const std::string& problem() const { return problem_; }

  /// The bytes of the body that the value of "model" covers, and how another one is written there;
  /// for a rename by splicing. Valid once model() has a value.
  [[nodiscard]] std::size_t model_begin() const { return model_begin_; }
  [[nodiscard]] std::size_t model_end() const { return model_end_; }
  [[nodiscard]] std::string encoded(std::string_view name) const;

 private:
  enum class Step : std::uint8_t { Data, AfterDelimiter, Head, Pair, End };

  bool step();
  bool read_data();
  bool read_after_delimiter();
  bool read_head();
  bool read_pair(bool is_last);
  void take_field(std::string_view value, std::size_t begin, std::size_t end);
  bool take_long_pair(std::string_view pair);
  bool note_name(std::string_view name);
  [[nodiscard]] std::string_view view() const { return std::string_view(window_).substr(at_); }
  void consume(std::size_t n);
  bool fail(std::string text);

  State state_ = State::Reading;
  Step step_ = Step::Data;
  std::string delimiter_;     // "\r\n--BOUNDARY"; empty: urlencoded
  std::string window_;        // what came, from the last feed() on that left something undecided
  std::size_t at_ = 0;        // in the window, of what is not decided yet
  std::size_t seen_ = 0;      // the same in the body
  std::size_t in_front_ = 0;  // bytes from at_ on that are not of the body
  std::string field_;         // the name of the part that is being read, if it is wanted
  bool is_named_ = false;     // by "model" in whatever case
  bool skipping_ = false;     // a pair that is too long to be wanted
  std::optional<std::string> model_;
  std::optional<bool> stream_;
  std::size_t model_begin_ = 0;
  std::size_t model_end_ = 0;
  std::string problem_;
};

/// The boundary of a multipart content type; empty: it has none that can be used.
[[nodiscard]] std::string multipart_boundary(std::string_view content_type);

}  // namespace rouse::wire
