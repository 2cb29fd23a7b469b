#include "proxy/wire/answer_reader.hpp"

#include "proxy/wire/text_scan.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace rouse::wire {

namespace {

using Place = AnswerReader::Place;
using Word = AnswerReader::Word;
using Number = AnswerReader::Number;

bool ends_scalar(char c) {
  switch (c) {
    case ',':
    case '}':
    case ']':
    case '{':
    case '[':
    case ':':
    case '"':
    case ' ':
    case '\t':
    case '\r':
    case '\n':
      return true;
    default:
      return false;
  }
}

bool is_object(Place place) {
  return place != Place::None && place != Place::Tops && place != Place::Choices &&
         place != Place::Parts;
}

/// As JSON writes them: no NaN, no hexadecimals.
std::optional<double> number_in(std::string_view text) {
  if (text.empty() || (text[0] != '-' && (text[0] < '0' || text[0] > '9'))) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = error == std::errc{} && end == text.data() + text.size();
  return is_whole && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

}  // namespace

/// What counts under a key, by the kind of its value.
struct AnswerReader::Rule {
  Place in;
  std::string_view key;
  Place object = Place::None;
  Place array = Place::None;
  Word text = Word::None;
  Number number = Number::None;

  static constexpr Rule of_object(Place in, std::string_view key, Place object,
                                  Word text = Word::None) {
    return {in, key, object, Place::None, text, Number::None};
  }
  static constexpr Rule of_text(Place in, std::string_view key, Word text) {
    return {in, key, Place::None, Place::None, text, Number::None};
  }
  static constexpr Rule of_content(Place in, std::string_view key) {
    return {in, key, Place::None, Place::Parts, Word::Content, Number::None};
  }
  static constexpr Rule of_number(Place in, std::string_view key, Number number) {
    return {in, key, Place::None, Place::None, Word::None, number};
  }
};

constexpr AnswerReader::Rule AnswerReader::kRules[] = {
    {Place::Top, "choices", Place::None, Place::Choices, Word::None, Number::None},
    Rule::of_object(Place::Top, "usage", Place::Usage),
    Rule::of_object(Place::Top, "timings", Place::Timings),
    Rule::of_object(Place::Top, "metrics", Place::Metrics),
    Rule::of_object(Place::Top, "error", Place::Error, Word::Error),
    Rule::of_object(Place::Top, "response", Place::Response),
    Rule::of_object(Place::Top, "message", Place::Message, Word::Message),
    Rule::of_object(Place::Top, "delta", Place::Delta, Word::Content),
    Rule::of_object(Place::Top, "content_block", Place::Delta),
    Rule::of_object(Place::Top, "incomplete_details", Place::Incomplete),
    Rule::of_text(Place::Top, "content", Word::Content),
    Rule::of_text(Place::Top, "text", Word::Content),
    Rule::of_text(Place::Top, "type", Word::Type),
    Rule::of_text(Place::Top, "stop_reason", Word::Reason),
    Rule::of_text(Place::Top, "detail", Word::Detail),
    Rule::of_number(Place::Top, "stop", Number::Stop),
    Rule::of_number(Place::Top, "tokens_evaluated", Number::Evaluated),
    Rule::of_number(Place::Top, "tokens_predicted", Number::Predicted),

    Rule::of_object(Place::Choice, "delta", Place::ChatDelta),
    Rule::of_text(Place::Choice, "finish_reason", Word::Reason),
    Rule::of_text(Place::Choice, "text", Word::Content),

    Rule::of_content(Place::ChatDelta, "content"),
    Rule::of_content(Place::ChatDelta, "reasoning_content"),
    Rule::of_content(Place::ChatDelta, "reasoning"),
    Rule::of_content(Place::ChatDelta, "refusal"),
    Rule::of_content(Place::ChatDelta, "tool_calls"),

    Rule::of_text(Place::Delta, "text", Word::Content),
    Rule::of_text(Place::Delta, "thinking", Word::Content),
    Rule::of_text(Place::Delta, "partial_json", Word::Content),
    Rule::of_text(Place::Delta, "stop_reason", Word::Reason),

    Rule::of_object(Place::Response, "usage", Place::Usage),
    Rule::of_object(Place::Response, "error", Place::Error, Word::Error),
    Rule::of_object(Place::Response, "incomplete_details", Place::Incomplete),

    Rule::of_object(Place::Message, "usage", Place::Usage),
    Rule::of_text(Place::Error, "message", Word::Error),
    Rule::of_text(Place::Incomplete, "reason", Word::Reason),

    Rule::of_number(Place::Usage, "prompt_tokens", Number::PromptTokens),
    Rule::of_number(Place::Usage, "input_tokens", Number::InputTokens),
    Rule::of_number(Place::Usage, "completion_tokens", Number::CompletionTokens),
    Rule::of_number(Place::Usage, "output_tokens", Number::OutputTokens),
    Rule::of_number(Place::Usage, "total_tokens", Number::TotalTokens),
    Rule::of_number(Place::Usage, "cache_read_input_tokens", Number::CacheRead),
    Rule::of_number(Place::Usage, "cache_creation_input_tokens", Number::CacheCreated),
    Rule::of_object(Place::Usage, "prompt_tokens_details", Place::InputDetails),
    Rule::of_object(Place::Usage, "input_tokens_details", Place::InputDetails),
    Rule::of_object(Place::Usage, "completion_tokens_details", Place::OutputDetails),
    Rule::of_object(Place::Usage, "output_tokens_details", Place::OutputDetails),
    Rule::of_number(Place::InputDetails, "cached_tokens", Number::Cached),
    Rule::of_number(Place::OutputDetails, "reasoning_tokens", Number::Reasoning),

    Rule::of_number(Place::Timings, "prompt_n", Number::PromptN),
    Rule::of_number(Place::Timings, "predicted_n", Number::PredictedN),
    Rule::of_number(Place::Timings, "cache_n", Number::CacheN),
    Rule::of_number(Place::Timings, "prompt_ms", Number::PromptMs),
    Rule::of_number(Place::Timings, "predicted_ms", Number::PredictedMs),
    Rule::of_number(Place::Timings, "prompt_per_second", Number::PromptSpeed),
    Rule::of_number(Place::Timings, "predicted_per_second", Number::OutputSpeed),
    Rule::of_number(Place::Timings, "draft_n", Number::Drafted),
    Rule::of_number(Place::Timings, "draft_n_accepted", Number::DraftAccepted),

    Rule::of_number(Place::Metrics, "time_to_first_token_ms", Number::FirstTokenMs),
    Rule::of_number(Place::Metrics, "mean_itl_ms", Number::TokenGapMs),
    Rule::of_object(Place::Metrics, "speculative_decoding", Place::Drafts),
    Rule::of_number(Place::Drafts, "num_draft_tokens", Number::Drafted),
    Rule::of_number(Place::Drafts, "num_accepted_draft_tokens", Number::DraftAccepted),
};

/// Where in kRules to look for a key: every key of an answer is looked up, so it is hashed.
struct AnswerReader::RuleIndex {
  static constexpr std::size_t kSlots = 256;
  std::array<std::uint8_t, kSlots> rules{};  // counted from 1; 0 for none

  constexpr RuleIndex() {
    std::uint8_t number = 0;
    for (const Rule& rule : kRules) {
      std::size_t slot = slot_of(rule.in, rule.key);
      while (rules[slot] != 0) slot = (slot + 1) % kSlots;
      rules[slot] = ++number;
    }
  }

  static constexpr std::size_t slot_of(Place in, std::string_view key) {
    const auto byte = [&](std::size_t i) {
      return static_cast<std::size_t>(static_cast<unsigned char>(key[i]));
    };
    return (static_cast<std::size_t>(in) * 37 + key.size() * 11 + byte(0) * 5 +
            byte(key.size() - 1) * 3 + byte(key.size() / 2)) %
           kSlots;
  }
};

const AnswerReader::Rule* AnswerReader::rule_for(Place in, std::string_view key) {
  static constexpr RuleIndex kIndex;
  if (key.empty()) return nullptr;
  std::size_t slot = RuleIndex::slot_of(in, key);
  for (; kIndex.rules[slot] != 0; slot = (slot + 1) % RuleIndex::kSlots) {
    const Rule& rule = kRules[kIndex.rules[slot] - 1];
    if (rule.in == in && rule.key == key) return &rule;
  }
  return nullptr;
}

/// A part of what goes on behind the end of the piece.
void AnswerReader::keep(std::string_view part, Sink& sink) {
  if (!in_key_) {
    if (rule_ == nullptr) return;
    if (step_ != Step::Scalar && rule_->text == Word::Content) {
      if (!part.empty()) sink.on_content();
      return;
    }
    const bool is_number = rule_->number != Number::None;
    if (!is_number && (step_ == Step::Scalar || rule_->text == Word::None)) return;
  }
  kept_ += part.substr(0, kTextMax - kept_.size());
}

/// The whole of what ends with @p rest. Cut alike, whether it came in pieces or not.
std::string_view AnswerReader::joined(std::string_view rest) {
  rest = rest.substr(0, kTextMax - kept_.size());
  if (kept_.empty()) return rest;
  return kept_ += rest;
}

const char* AnswerReader::read_text(const char* at, const char* end, Sink& sink) {
  const char* special = at;
  for (;;) {
    special = find_special(special, end);
    if (special == end) break;
    if (*special == '"') {
      end_text({at, static_cast<std::size_t>(special - at)}, sink);
      return special + 1;
    }
    if (*special == '\\') {
      if (end - special < 2) {
        step_ = Step::Escape;
        break;
      }
      ++special;
    }
    ++special;
  }
  keep({at, static_cast<std::size_t>(end - at)}, sink);
  return end;
}

void AnswerReader::end_text(std::string_view rest, Sink& sink) {
  step_ = Step::Structure;
  if (in_key_) {
    in_key_ = key_is_next_ = false;
    rule_ = rule_for(place(), joined(rest));
    kept_.clear();
    return;
  }
  if (rule_ == nullptr) return;
  // Some gateways write their numbers as texts.
  if (rule_->number != Number::None) return end_scalar(rest, sink);
  if (rule_->text == Word::None) return;
  if (rule_->text == Word::Content) {
    keep(rest, sink);
  } else {
    sink.on_text(rule_->text, joined(rest));
    kept_.clear();
  }
  rule_ = nullptr;
}

void AnswerReader::feed(std::string_view piece, Sink& sink) {
  const char* at = piece.data();
  const char* const end = at + piece.size();
  while (at != end) {
    switch (step_) {
      case Step::Structure:
        at = passed_over_ > 0 ? pass_over(at, end) : read_structure(at, end, sink);
        break;
      case Step::Text:
        at = read_text(at, end, sink);
        break;
      case Step::Escape:
        keep({at, 1}, sink);
        step_ = Step::Text;
        ++at;
        break;
      case Step::Scalar:
        at = read_scalar(at, end, sink);
        break;
    }
  }
}

void AnswerReader::reset() {
  step_ = Step::Structure;
  key_is_next_ = in_key_ = is_complete_ = false;
  depth_ = 0;
  passed_over_ = 0;
  rule_ = nullptr;
  kept_.clear();
}

/// Up to a value that is cut, or that needs more than a look.
const char* AnswerReader::read_structure(const char* at, const char* end, Sink& sink) {
  while (at != end) {
    switch (*at) {
      case '"':
        if (place() == Place::Parts) sink.on_content();
        in_key_ = key_is_next_;
        step_ = Step::Text;
        at = read_text(at + 1, end, sink);
        if (step_ != Step::Structure) return at;
        continue;
      case '{':
      case '[':
        open(*at, sink);
        if (passed_over_ > 0) return at + 1;
        break;
      case '}':
      case ']':
        close(sink);
        break;
      case ',':
        key_is_next_ = is_object(place());
        break;
      case ':':
        key_is_next_ = false;
        break;
      case ' ':
      case '\t':
      case '\r':
      case '\n':
        break;
      default:
        if (place() == Place::Parts) sink.on_content();
        if (rule_ == nullptr || rule_->number == Number::None) break;
        step_ = Step::Scalar;
        return at;
    }
    ++at;
  }
  return at;
}

void AnswerReader::open(char c, Sink& sink) {
  const bool is_brace = c == '{';
  const Place around = place();
  Place opened = Place::None;
  if (depth_ == 0) {
    opened = is_brace ? Place::Top : Place::Tops;
    is_complete_ = false;
  } else if (around == Place::Tops && is_brace) {
    opened = Place::Top;
  } else if (around == Place::Choices && is_brace) {
    opened = Place::Choice;
  } else if (around == Place::Parts) {
    sink.on_content();
  } else if (rule_ != nullptr) {
    opened = is_brace ? rule_->object : rule_->array;
  }
  rule_ = nullptr;
  if (opened == Place::None || depth_ == places_.size()) {
    passed_over_ = 1;
    return;
  }
  places_[depth_++] = opened;
  key_is_next_ = is_brace;
}

void AnswerReader::close(Sink& sink) {
  rule_ = nullptr;
  key_is_next_ = false;
  if (depth_ == 0) return;
  const Place closed = places_[--depth_];
  is_complete_ = depth_ == 0;
  sink.on_end(closed);
}

/// Brackets are only counted: which closes which does not matter here.
const char* AnswerReader::pass_over(const char* at, const char* end) {
  while (passed_over_ > 0) {
    at = find_bracket(at, end);
    if (at == end) return end;
    const char c = *at++;
    if (c == '"') {
      step_ = Step::Text;
      return at;
    }
    passed_over_ += c == '{' || c == '[' ? std::size_t{1} : ~std::size_t{0};
  }
  key_is_next_ = false;
  return at;
}

const char* AnswerReader::read_scalar(const char* at, const char* end, Sink& sink) {
  const char* const stop = std::find_if(at, end, ends_scalar);
  const std::string_view part(at, static_cast<std::size_t>(stop - at));
  if (stop == end) {
    keep(part, sink);
  } else {
    end_scalar(part, sink);
  }
  return stop;
}

void AnswerReader::end_scalar(std::string_view rest, Sink& sink) {
  step_ = Step::Structure;
  const std::string_view text = joined(rest);
  if (rule_->number == Number::Stop) {
    if (text == "true") sink.on_number(Number::Stop, 1);
  } else if (const auto value = number_in(text)) {
    sink.on_number(rule_->number, *value);
  }
  kept_.clear();
  rule_ = nullptr;
}

}  // namespace rouse::wire
