#pragma once

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
  std::string finish_reason;  ///< the last one: stop, length, tool_calls, end_turn …
  std::string error;          ///< message of an error, 500 bytes at most
  bool ended = false;         ///< the stream had its last event

  /// As llama-swap counts: the input without what llama-server took from its cache, -1 for what is
  /// not known (llama-swap-behaviour.md §6.2).
  std::int64_t plain_input = 0;
};

/// Looks at an answer's body while it passes, and learns its usage. Nothing but a window is kept:
/// one line of an event stream, or the 64 KiB around what matters in a JSON document. Events are
/// not parsed: their keys are looked at, and the few small objects that count are.
class UsageTap {
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
  std::size_t take(std::string_view bytes);
  std::size_t take_lines(std::string_view bytes);
  void take_line(std::string_view line);
  std::size_t scan(std::string_view text, bool whole);
  bool take_object(std::string_view key, std::string_view json);
  void take_text(std::string_view key, std::string_view value);
  void take_usage(std::string_view json);
  void take_timings(std::string_view json);
  void take_metrics(std::string_view json);

  Body body_;
  int status_;
  int content_events_ = 0;  // of the feed that is going on
  bool line_has_content_ = false;
  bool repeats_ = false;   // the event says what others have said before
  bool cut_line_ = false;  // the beginning of the line in the window was dropped
  std::string window_;
  Usage usage_;
  std::optional<std::int64_t> cache_created_;
  bool input_is_without_cache_ = false;  // Anthropic's way of counting
  std::optional<std::int64_t> timed_input_;
};

}  // namespace rouse::wire
