#include "proxy/wire/usage.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace rouse::wire {

namespace {

constexpr std::size_t kErrorMax = 500;
constexpr std::size_t kReasonMax = 40;
constexpr double kCountMax = 1e12;  // what is more is no count; and sums stay far from overflow
constexpr std::string_view kMark = "\xEF\xBB\xBF";
constexpr std::string_view kData = "data:";
constexpr std::string_view kDone = "[DONE]";

bool is_line_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

/// Cut on a boundary of UTF-8.
std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

/// The text of a JSON string without its quotes.
std::string decoded(std::string_view raw) {
  constexpr int kUnitMax = 12;  // bytes of an escaped pair of surrogates, which may have been cut
  std::string literal = '"' + std::string(raw);
  simdjson::dom::parser parser;
  for (int i = 0; i < kUnitMax && literal.size() > 1; ++i) {
    std::string_view text;
    if (parser.parse(literal + '"').get(text) == simdjson::SUCCESS) return std::string(text);
    if (raw.size() < AnswerReader::kTextMax) break;
    literal.pop_back();
  }
  return {};
}

/// A zero does not take back what was said before: the last event of a stream often has zeros.
void update(std::optional<std::int64_t>& field, std::optional<std::int64_t> value) {
  if (value && (*value != 0 || !field)) field = value;
}

template <typename T>
void replace(std::optional<T>& field, std::optional<T> value) {
  if (value) field = value;
}

template <typename T>
std::optional<T> first_of(std::optional<T> first, std::optional<T> second) {
  return first ? first : second;
}

}  // namespace

UsageTap::UsageTap(Body body, int status) : body_(body), is_error_(status >= 400) {
  // Whatever an error says it is, it may be JSON.
  if (is_error_ && body_ == Body::Other) body_ = Body::Json;
}

int UsageTap::feed(std::string_view piece) {
  content_events_ = 0;
  if (body_ == Body::Other && !is_seen_) look_at_start(piece);
  if (body_ == Body::Json) {
    reader_.feed(piece, *this);
  } else if (body_ == Body::Events) {
    while (!piece.empty()) {
      if (line_ == Line::Mark || line_ == Line::Start) {
        piece = read_line_start(piece);
        continue;
      }
      const std::size_t end = piece.find('\n');
      if (line_ == Line::Data) read_data(piece.substr(0, end));
      if (end == std::string_view::npos) break;
      end_line();
      piece.remove_prefix(end + 1);
    }
  }
  return content_events_;
}

/// JSON is JSON, whatever its type says.
void UsageTap::look_at_start(std::string_view piece) {
  const std::size_t first = piece.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return;
  is_seen_ = true;
  if (piece[first] == '{' || piece[first] == '[') body_ = Body::Json;
}

Usage UsageTap::finish() {
  if (body_ == Body::Json) {
    usage_.ended = !is_error_ && reader_.is_complete();
  } else if (body_ == Body::Events && line_ == Line::Data) {
    end_line();
  }
  usage_.plain_input = timed_input_.value_or(usage_.input.value_or(0));
  const std::int64_t cached = usage_.cached.value_or(0);
  if (usage_.input && input_is_without_cache_) {
    *usage_.input += cache_read_.value_or(0) + cache_created_.value_or(0);
  } else if (!usage_.input) {
    usage_.input = first_of(evaluated_, total_);
    if (!evaluated_ && timed_input_) usage_.input = *timed_input_ + cached;
    if (!timed_input_) usage_.plain_input = usage_.input.value_or(0);
  }
  if (!usage_.output) usage_.output = predicted_;
  if (first_token_ms_ && usage_.input && !usage_.prompt_per_second) {
    const std::int64_t read = std::max<std::int64_t>(*usage_.input - cached, 0);
    const double speed = static_cast<double>(read) / (*first_token_ms_ / 1000);
    if (std::isfinite(speed)) usage_.prompt_per_second = speed;
  }
  return std::move(usage_);
}

/// Reads up to where it is clear what the line is; returns what follows.
std::string_view UsageTap::read_line_start(std::string_view rest) {
  if (line_ == Line::Start && matched_ == 0 && rest.starts_with(kData)) {
    line_ = Line::Data;
    return rest.substr(kData.size());
  }
  const char c = rest.front();
  if (line_ == Line::Mark) {
    if (c == kMark[matched_] && ++matched_ < kMark.size()) return rest.substr(1);
    line_ = Line::Start;
    return rest.substr(std::exchange(matched_, std::uint8_t{0}) == kMark.size() ? 1 : 0);
  }
  if (c == '\n') {
    if (matched_ == 0) end_event();
    end_line();
    return rest.substr(1);
  }
  if (c == '\r' && matched_ == 0) return rest.substr(1);
  if (c != kData[matched_]) {
    line_ = Line::Other;
    return rest;
  }
  if (++matched_ == kData.size()) line_ = Line::Data;
  return rest.substr(1);
}

void UsageTap::read_data(std::string_view part) {
  for (std::size_t i = 0; i < part.size() && done_matched_ < kDone.size(); ++i) {
    if (part[i] == kDone[done_matched_]) {
      ++done_matched_;
    } else if (done_matched_ > 0 || !is_line_blank(part[i])) {
      done_matched_ = kDone.size() + 1;
    }
  }
  reader_.feed(part, *this);
}

/// An event ends with a blank line; one that is complete need not wait for it.
void UsageTap::end_line() {
  if (line_ == Line::Data) {
    if (done_matched_ == kDone.size()) usage_.ended = true;
    reader_.feed("\n", *this);
    if (reader_.is_complete()) end_event();
  }
  line_ = Line::Start;
  matched_ = 0;
  done_matched_ = 0;
}

void UsageTap::end_event() {
  if (reader_.is_complete()) {
    if (event_.has_content && !event_.repeats) ++content_events_;
    usage_.ended = usage_.ended || event_.is_last;
  } else {
    numbers_ = {};
  }
  event_ = {};
  reader_.reset();
}

void UsageTap::on_text(Word word, std::string_view raw) {
  switch (word) {
    case Word::Type:
      return take_type(raw);
    case Word::Reason:
      if (!raw.empty()) usage_.finish_reason = shortened(raw, kReasonMax);
      return;
    case Word::Error:
    case Word::Message:
    case Word::Detail:
      return take_error(word, raw);
    case Word::None:
    case Word::Content:
      return;
  }
}

// Responses repeat at the end of an item what its deltas have said.
void UsageTap::take_type(std::string_view type) {
  event_.repeats = type.ends_with(".done");
  event_.is_last = type == "message_stop" || type == "response.completed" ||
                   type == "response.incomplete" || type == "response.failed";
}

// Of what an error says, {"error":{"message"}} is better than "message", and that than "detail".
void UsageTap::take_error(Word from, std::string_view raw) {
  if (from != Word::Error && (!is_error_ || error_from_ == Word::Error)) return;
  if (from == Word::Detail && error_from_ == Word::Message) return;
  std::string text = decoded(raw);
  if (text.empty()) return;
  usage_.error = shortened(text, kErrorMax);
  error_from_ = from;
}

void UsageTap::on_number(Number number, double value) {
  numbers_[static_cast<std::size_t>(number)] = value;
  if (number == Number::Evaluated) update(evaluated_, count(number));
  if (number == Number::Predicted) update(predicted_, count(number));
  if (number == Number::Stop) event_.is_last = true;
}

void UsageTap::on_end(Place place) {
  if (place == Place::Usage) {
    take_usage();
  } else if (place == Place::Timings) {
    take_timings();
  } else if (place == Place::Metrics) {
    take_metrics();
  } else {
    return;
  }
  numbers_ = {};
}

std::optional<std::int64_t> UsageTap::count(Number which) const {
  const std::optional<double> value = number(which);
  const bool fits = value && *value >= 0 && *value < kCountMax;
  return fits ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
}

std::optional<double> UsageTap::duration(Number which) const {
  const std::optional<double> value = number(which);
  return value && *value >= 0 && *value < kCountMax ? value : std::nullopt;
}

void UsageTap::take_usage() {
  if (is_error_) return;
  const auto prompt = count(Number::PromptTokens);
  const auto input = first_of(prompt, count(Number::InputTokens));
  const auto output = first_of(count(Number::CompletionTokens), count(Number::OutputTokens));
  if (input && (*input != 0 || !usage_.input)) input_is_without_cache_ = !prompt;
  update(usage_.input, input);
  update(usage_.output, output);
  if (!input && !output) update(total_, count(Number::TotalTokens));
  update(cache_read_, count(Number::CacheRead));
  update(cache_created_, count(Number::CacheCreated));
  update(usage_.cached, first_of(count(Number::CacheRead), count(Number::Cached)));
  update(usage_.reasoning, count(Number::Reasoning));
}

// llama-server: prompt_n is without what came from the cache.
void UsageTap::take_timings() {
  if (is_error_) return;
  update(timed_input_, count(Number::PromptN));
  replace(usage_.output, count(Number::PredictedN));
  replace(usage_.cached, count(Number::CacheN));
  replace(usage_.prompt_per_second, number(Number::PromptSpeed));
  replace(usage_.tokens_per_second, number(Number::OutputSpeed));
  replace(usage_.prompt_ms, duration(Number::PromptMs));
  replace(usage_.predicted_ms, duration(Number::PredictedMs));
  take_drafts();
}

// vLLM's.
void UsageTap::take_metrics() {
  if (is_error_) return;
  const auto first = number(Number::FirstTokenMs);
  if (first && *first > 0) first_token_ms_ = first;
  const auto gap = number(Number::TokenGapMs);
  if (gap && *gap > 0) usage_.tokens_per_second = 1000 / *gap;
  take_drafts();
}

void UsageTap::take_drafts() {
  const auto drafted = count(Number::Drafted);
  const auto accepted = count(Number::DraftAccepted);
  if (!drafted || !accepted) return;
  usage_.drafted = drafted;
  usage_.draft_accepted = accepted;
}

}  // namespace rouse::wire
