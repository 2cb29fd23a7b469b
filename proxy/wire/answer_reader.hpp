#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rouse::wire {

/// Reads the JSON of an engine's answer while its bytes pass, and tells what stands at the few
/// places where engines speak of themselves. What a model says is no such place, be it JSON too.
///
/// A push reader: split anywhere, it tells the same. It checks nothing: what is no JSON tells less.
/// It keeps what it is inside of, when that is wanted and was cut, 4 KiB of it at most.
class AnswerReader {
 public:
  /// Objects and arrays whose members count; all others are passed over whole.
  enum class Place : std::uint8_t {
    None,
    Tops,  ///< the array that /infill answers with
    Top,
    Choices,
    Choice,
    ChatDelta,
    Delta,  ///< of Anthropic's events; a content_block too
    Parts,  ///< an array that is content, unless it is empty
    Response,
    Message,
    Error,
    Incomplete,
    Usage,
    InputDetails,
    OutputDetails,
    Timings,  ///< llama-server's
    Metrics,  ///< vLLM's
    Drafts,
  };
  enum class Word : std::uint8_t { None, Content, Type, Reason, Error, Message, Detail };
  enum class Number : std::uint8_t {
    None,
    Stop,  ///< 1 for true
    Evaluated,
    Predicted,
    PromptTokens,
    InputTokens,
    CompletionTokens,
    OutputTokens,
    TotalTokens,
    CacheRead,
    CacheCreated,
    Cached,
    Reasoning,
    PromptN,
    PredictedN,
    CacheN,
    PromptMs,
    PredictedMs,
    PromptSpeed,
    OutputSpeed,
    Drafted,
    DraftAccepted,
    FirstTokenMs,
    TokenGapMs,
  };
  static constexpr std::size_t kNumbers = static_cast<std::size_t>(Number::TokenGapMs) + 1;

  class Sink {
   public:
    /// Text, or a part of a tool call, that is not empty.
    virtual void on_content() = 0;
    /// @p raw: as it stands between the quotes, kTextMax bytes of it at most.
    virtual void on_text(Word word, std::string_view raw) = 0;
    virtual void on_number(Number number, double value) = 0;
    /// All members of the object have been told.
    virtual void on_end(Place place) = 0;

   protected:
    ~Sink() = default;
  };

  static constexpr std::size_t kTextMax = 4096;

  void feed(std::string_view piece, Sink& sink);
  /// Forgets what was not finished: another document begins.
  void reset();
  /// A document has ended, and no other has begun.
  [[nodiscard]] bool is_complete() const { return is_complete_; }

 private:
  enum class Step : std::uint8_t { Structure, Text, Escape, Scalar };
  struct Rule;
  struct RuleIndex;
  static const Rule kRules[];
  static const Rule* rule_for(Place in, std::string_view key);

  const char* read_structure(const char* at, const char* end, Sink& sink);
  const char* read_text(const char* at, const char* end, Sink& sink);
  const char* read_scalar(const char* at, const char* end, Sink& sink);
  const char* pass_over(const char* at, const char* end);
  void open(char c, Sink& sink);
  void close(Sink& sink);
  void end_text(std::string_view rest, Sink& sink);
  void end_scalar(std::string_view rest, Sink& sink);
  void keep(std::string_view part, Sink& sink);
  [[nodiscard]] std::string_view joined(std::string_view rest);
  [[nodiscard]] Place place() const { return depth_ == 0 ? Place::None : places_[depth_ - 1]; }

  Step step_ = Step::Structure;
  bool key_is_next_ = false;
  bool in_key_ = false;
  bool is_complete_ = false;
  std::uint8_t depth_ = 0;         // of known places
  std::array<Place, 8> places_{};  // more than the rules can nest
  std::size_t passed_over_ = 0;    // depth inside something that does not count
  const Rule* rule_ = nullptr;     // for the value that is next, or is being read
  std::string kept_;               // of a key or value that was cut
};

}  // namespace rouse::wire
