#pragma once

#include "proxy/wire/answer_reader.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rouse::wire {

/// What an answer says of its own cost, whichever API and engine it comes from.
struct Usage {
  std::optional<std::int64_t> input;   ///< tokens of the prompt, cached ones included
  std::optional<std::int64_t> output;  ///< tokens that were generated, reasoning included
  std::optional<std::int64_t> cached;  ///< of the input, taken from a cache
  std::optional<std::int64_t> reasoning;
  std::optional<std::int64_t> drafted;  ///< by speculative decoding
  std::optional<std::int64_t> draft_accepted;
  std::optional<double> prompt_per_second;  ///< tokens, as the engine measured
  std::optional<double> tokens_per_second;
  std::optional<double> prompt_ms;  ///< for reading the prompt, as llama-server measured
  std::optional<double> predicted_ms;
  std::string finish_reason;  ///< the last one: stop, length, tool_calls, end_turn …
  std::string error;          ///< message of an error, 500 bytes at most
  bool ended = false;         ///< the stream had its last event, or the document its end

  /// As llama-swap counts: the input without what llama-server took from its cache
  /// (docs/llama-swap.md, Token counts).
  std::int64_t plain_input = 0;

  /// For the prompt and the answer together; 0 if it does not say.
  [[nodiscard]] std::int64_t engine_ms() const {
    return static_cast<std::int64_t>(prompt_ms.value_or(0) + predicted_ms.value_or(0));
  }
};

/// Looks at an answer's body while it passes, and learns its usage. Says the same however the body
/// is cut into pieces, and keeps of it no more than its AnswerReader does.
class UsageTap final : private AnswerReader::Sink {
 public:
  enum class Body { Events, Json, Other };

  UsageTap(Body body, int status);

  /// Returns how many events that carry content (text, reasoning, parts of tool calls) ended in
  /// @p piece.
  int feed(std::string_view piece);
  /// The last event of the stream has passed.
  [[nodiscard]] bool has_ended() const { return usage_.ended; }
  /// At the end of the body, or where it broke off.
  [[nodiscard]] Usage finish();

 private:
  using Place = AnswerReader::Place;
  using Word = AnswerReader::Word;
  using Number = AnswerReader::Number;
  enum class Line : std::uint8_t { Mark, Start, Data, Other };

  void on_content() override { event_.has_content = true; }
  void on_text(Word word, std::string_view raw) override;
  void on_number(Number number, double value) override;
  void on_end(Place place) override;

  void look_at_start(std::string_view piece);
  std::string_view read_line_start(std::string_view rest);
  void read_data(std::string_view part);
  void end_line();
  void end_event();
  void take_type(std::string_view type);
  void take_error(Word from, std::string_view raw);
  void take_usage();
  void take_timings();
  void take_metrics();
  void take_drafts();
  [[nodiscard]] std::optional<double> number(Number which) const {
    return numbers_[static_cast<std::size_t>(which)];
  }
  [[nodiscard]] std::optional<std::int64_t> count(Number which) const;
  [[nodiscard]] std::optional<double> duration(Number which) const;

  /// What counts once its event has ended.
  struct Event {
    bool has_content = false;
    bool repeats = false;  // it says what others have said before
    bool is_last = false;
  };

  Body body_;
  bool is_error_;
  bool is_seen_ = false;  // the first letter of a body of no known type
  Line line_ = Line::Mark;
  std::uint8_t matched_ = 0;       // of what the line may begin with
  std::uint8_t done_matched_ = 0;  // of "[DONE]"; past its end when the data is something else
  Event event_;
  int content_events_ = 0;  // of the feed that is going on
  AnswerReader reader_;
  std::array<std::optional<double>, AnswerReader::kNumbers> numbers_;  // of the object being read

  Usage usage_;
  Word error_from_ = Word::None;
  bool input_is_without_cache_ = false;  // Anthropic's way of counting
  std::optional<std::int64_t> cache_read_;
  std::optional<std::int64_t> cache_created_;
  std::optional<std::int64_t> total_;
  std::optional<std::int64_t> timed_input_;
  std::optional<std::int64_t> evaluated_;
  std::optional<std::int64_t> predicted_;
  std::optional<double> first_token_ms_;
};

}  // namespace rouse::wire
