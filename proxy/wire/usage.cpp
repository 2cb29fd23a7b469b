#include "proxy/wire/usage.hpp"

#include "proxy/wire/error_body.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace rouse::wire {

namespace {

constexpr std::size_t kLineMax = 1024 * 1024;
constexpr std::size_t kTail = 64 * 1024;  // usage stands at the end of what is long
constexpr std::size_t kKeyMax = 40;
constexpr std::size_t kErrorMax = 500;

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/// Behind the object that begins at @p text's start; npos when it does not end here.
std::size_t object_end(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size() && i <= kTail; ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

bool is_object_key(std::string_view key) {
  return key == "usage" || key == "timings" || key == "metrics" || key == "error";
}

bool is_content_key(std::string_view key) {
  return key == "content" || key == "text" || key == "reasoning_content" || key == "reasoning" ||
         key == "thinking" || key == "partial_json" || key == "delta" || key == "arguments" ||
         key == "refusal";
}

/// Cut on a boundary of UTF-8.
std::string shortened(std::string text) {
  if (text.size() <= kErrorMax) return text;
  std::size_t end = kErrorMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

/// One small object of an answer.
class Numbers {
 public:
  explicit Numbers(std::string_view json) : padded_(json) {
    const bool parsed = parser_.parse(padded_).get(root_) == simdjson::SUCCESS;
    is_valid_ = parsed && root_.is_object();
  }

  /// At "a" or "a/b".
  [[nodiscard]] std::optional<double> number(const char* path) const {
    if (!is_valid_) return std::nullopt;
    simdjson::dom::element at;
    if (root_.at_pointer(std::string("/") + path).get(at) != simdjson::SUCCESS) return std::nullopt;
    if (at.is_number()) return double(at);
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::int64_t> count(const char* path) const {
    const std::optional<double> value = number(path);
    const bool fits = value && *value >= 0 && *value < 9e15;
    return fits ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
  }

 private:
  simdjson::padded_string padded_;
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
  bool is_valid_ = false;
};

/// A zero does not take back what was said before: the last event of a stream often has zeros.
void update(std::optional<std::int64_t>& field, std::optional<std::int64_t> value) {
  if (value && (*value != 0 || !field)) field = value;
}

std::optional<std::int64_t> first_of(const Numbers& numbers,
                                     std::initializer_list<const char*> paths) {
  for (const char* const path : paths) {
    if (const auto value = numbers.count(path)) return value;
  }
  return std::nullopt;
}

}  // namespace

UsageTap::UsageTap(Body body, int status) : body_(body), status_(status) {}

int UsageTap::feed(std::string_view piece) {
  content_events_ = 0;
  if (status_ != 200) {
    // An error is small; its message is looked for at the end.
    if (window_.size() < kTail) window_ += piece.substr(0, kTail - window_.size());
    return 0;
  }
  if (body_ == Body::Other) return 0;
  if (window_.empty()) {
    const std::size_t taken = take(piece);
    window_ = piece.substr(taken);
  } else {
    window_ += piece;
    window_.erase(0, take(window_));
  }
  return content_events_;
}

Usage UsageTap::finish() {
  if (status_ != 200) {
    usage_.error = shortened(error_message_in(window_));
  } else if (body_ == Body::Events) {
    if (!window_.empty()) take_line(window_);
  } else if (body_ == Body::Json) {
    scan(window_, true);
    usage_.ended = true;
  }
  window_.clear();
  usage_.plain_input = timed_input_.value_or(usage_.input.value_or(0));
  if (!usage_.input && timed_input_) {
    usage_.input = *timed_input_ + usage_.cached.value_or(0);
  } else if (usage_.input && input_is_without_cache_) {
    *usage_.input += usage_.cached.value_or(0) + cache_created_.value_or(0);
  }
  return std::move(usage_);
}

std::size_t UsageTap::take(std::string_view bytes) {
  return body_ == Body::Events ? take_lines(bytes) : scan(bytes, false);
}

std::size_t UsageTap::take_lines(std::string_view bytes) {
  std::size_t at = 0;
  for (;;) {
    const std::size_t end = bytes.find('\n', at);
    if (end == std::string_view::npos) break;
    take_line(bytes.substr(at, end - at));
    at = end + 1;
  }
  if (bytes.size() - at > kLineMax) {
    cut_line_ = true;
    return bytes.size() - kTail;
  }
  return at;
}

void UsageTap::take_line(std::string_view line) {
  const bool was_cut = std::exchange(cut_line_, false);
  if (!was_cut) {
    if (!line.starts_with("data:")) return;
    line.remove_prefix(5);
  }
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  if (line == "[DONE]") {
    usage_.ended = true;
    return;
  }
  line_has_content_ = was_cut;
  repeats_ = false;
  scan(line, true);
  if (line_has_content_ && !repeats_) ++content_events_;
}

/// Looks at every key of @p text. Returns how far it has been looked at for good; all, if @p whole.
std::size_t UsageTap::scan(std::string_view text, bool whole) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const char* at = begin;
  while (at != end) {
    const auto* colon =
        static_cast<const char*>(std::memchr(at, ':', static_cast<std::size_t>(end - at)));
    if (colon == nullptr) break;
    at = colon + 1;
    // A key's quote is not escaped; inside a text it would be.
    if (colon - begin < 3 || colon[-1] != '"' || colon[-2] == '\\') continue;
    const char* open = colon - 2;
    while (open > begin && *open != '"' && colon - open < static_cast<std::ptrdiff_t>(kKeyMax)) {
      --open;
    }
    if (*open != '"') continue;
    const std::string_view key(open + 1, static_cast<std::size_t>(colon - 2 - open));
    const char* value = at;
    while (value != end && is_blank(*value)) ++value;
    const std::string_view rest(value, static_cast<std::size_t>(end - value));
    if (rest.empty()) {
      if (!whole) return static_cast<std::size_t>(open - begin);
      break;
    }
    if (rest.front() == '{' && is_object_key(key)) {
      const std::size_t size = object_end(rest);
      if (size != std::string_view::npos) {
        take_object(key, rest.substr(0, size));
        at = value + size;
      } else if (!whole && rest.size() <= kTail) {
        return static_cast<std::size_t>(open - begin);
      }
    } else if (rest.front() == '"') {
      take_text(key, rest.substr(1));
    } else if (key == "stop" && rest.starts_with("true")) {
      usage_.ended = true;  // llama-server's own completions
    } else if (rest.front() == '[' && key == "tool_calls") {
      line_has_content_ = line_has_content_ || !rest.starts_with("[]");
    }
  }
  if (whole) return text.size();
  // A key may have begun.
  return text.size() - std::min(text.size(), kKeyMax + 4);
}

bool UsageTap::take_object(std::string_view key, std::string_view json) {
  if (key == "usage") {
    take_usage(json);
  } else if (key == "timings") {
    take_timings(json);
  } else if (key == "metrics") {
    take_metrics(json);
  } else {
    usage_.error = shortened(error_message_in("{\"error\":" + std::string(json) + "}"));
  }
  return true;
}

void UsageTap::take_text(std::string_view key, std::string_view value) {
  if (is_content_key(key)) {
    line_has_content_ = line_has_content_ || !value.starts_with('"');
  } else if (key == "finish_reason" || key == "stop_reason") {
    usage_.finish_reason = value.substr(0, std::min<std::size_t>(value.find('"'), 40));
  } else if (key == "type") {
    // Responses repeat at the end of an item what its deltas have said.
    const std::string_view type = value.substr(0, value.find('"'));
    repeats_ = repeats_ || type.ends_with(".done") || type.starts_with("response.completed");
    usage_.ended = usage_.ended || value.starts_with("message_stop\"") ||
                   value.starts_with("response.completed\"") ||
                   value.starts_with("response.incomplete\"") ||
                   value.starts_with("response.failed\"");
  }
}

void UsageTap::take_usage(std::string_view json) {
  const Numbers numbers(json);
  update(usage_.input, first_of(numbers, {"prompt_tokens", "input_tokens"}));
  update(usage_.output, first_of(numbers, {"completion_tokens", "output_tokens"}));
  update(usage_.cached,
         first_of(numbers, {"cache_read_input_tokens", "input_tokens_details/cached_tokens",
                            "prompt_tokens_details/cached_tokens"}));
  update(usage_.reasoning, first_of(numbers, {"completion_tokens_details/reasoning_tokens",
                                              "output_tokens_details/reasoning_tokens"}));
  update(cache_created_, numbers.count("cache_creation_input_tokens"));
  if (numbers.count("cache_read_input_tokens")) input_is_without_cache_ = true;
}

// llama-server: prompt_n is without what came from the cache.
void UsageTap::take_timings(std::string_view json) {
  const Numbers numbers(json);
  update(timed_input_, numbers.count("prompt_n"));
  if (const auto predicted = numbers.count("predicted_n")) usage_.output = predicted;
  if (const auto cached = numbers.count("cache_n")) usage_.cached = cached;
  if (const auto speed = numbers.number("prompt_per_second")) usage_.prompt_per_second = speed;
  if (const auto speed = numbers.number("predicted_per_second")) usage_.tokens_per_second = speed;
  const auto drafted = numbers.count("draft_n");
  const auto accepted = numbers.count("draft_n_accepted");
  if (drafted && accepted) {
    usage_.drafted = drafted;
    usage_.draft_accepted = accepted;
  }
}

// vLLM's.
void UsageTap::take_metrics(std::string_view json) {
  const Numbers numbers(json);
  const auto first = numbers.number("time_to_first_token_ms");
  if (first && *first > 0 && usage_.input) {
    const std::int64_t read = *usage_.input - usage_.cached.value_or(0);
    usage_.prompt_per_second = static_cast<double>(read) / (*first / 1000);
  }
  const auto pause = numbers.number("mean_itl_ms");
  if (pause && *pause > 0) usage_.tokens_per_second = 1000 / *pause;
  const auto drafted = numbers.count("speculative_decoding/num_draft_tokens");
  const auto accepted = numbers.count("speculative_decoding/num_accepted_draft_tokens");
  if (drafted && accepted) {
    usage_.drafted = drafted;
    usage_.draft_accepted = accepted;
  }
}

}  // namespace rouse::wire
