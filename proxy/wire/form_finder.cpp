#include "proxy/wire/form_finder.hpp"

#include "base/http_message.hpp"
#include "proxy/wire/route.hpp"

#include <algorithm>

namespace rouse::wire {

namespace {

constexpr std::size_t kBoundaryMax = 200;  // RFC 2046 says 70; some clients do not read it
constexpr std::size_t kPaddingMax = 1024;
constexpr std::size_t kPairMax = 3 * FormFinder::kValueBytesMax + 64;

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// The value of the parameter @p name of a field's text, with its quotes taken off; empty: none.
std::string parameter(std::string_view text, std::string_view name) {
  std::size_t at = text.find(';');
  while (at < text.size()) {
    std::size_t equals = text.find('=', at);
    if (equals == std::string_view::npos) return {};
    const std::string_view key = trim(text.substr(at + 1, equals - at - 1));
    std::string value;
    at = equals + 1;
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
    if (at < text.size() && text[at] == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\' && at + 1 < text.size()) ++at;
        value += text[at];
      }
      at = text.find(';', at);
    } else {
      const std::size_t end = std::min(text.find(';', at), text.size());
      value = trim(text.substr(at, end - at));
      at = end;
    }
    if (equal_without_case(key, name)) return value;
  }
  return {};
}

/// The name of the field that a part's head announces.
std::string field_name(std::string_view head) {
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos &&
        equal_without_case(trim(line.substr(0, colon)), "content-disposition")) {
      return parameter(line.substr(colon + 1), "name");
    }
    head.remove_prefix(std::min(end + 2, head.size()));
  }
  return {};
}

bool is_wanted(std::string_view name) {
  return name == "model" || name == "stream";
}

}  // namespace

std::string multipart_boundary(std::string_view content_type) {
  std::string boundary = parameter(content_type, "boundary");
  if (boundary.size() > kBoundaryMax || boundary.find_first_of("\r\n") != std::string::npos)
    return {};
  return boundary;
}

FormFinder FormFinder::multipart(std::string_view boundary) {
  FormFinder made;
  made.delimiter_ = "\r\n--" + std::string(boundary);
  // A delimiter begins a line, and the first line has nothing in front of it.
  made.window_ = "\r\n";
  made.in_front_ = 2;
  return made;
}

FormFinder FormFinder::urlencoded() {
  FormFinder made;
  made.step_ = Step::Pair;
  return made;
}

FormFinder::State FormFinder::feed(std::string_view piece) {
  if (state_ != State::Reading) return state_;
  window_ += piece;
  while (state_ == State::Reading && step()) {
  }
  return state_;
}

FormFinder::State FormFinder::finish() {
  if (state_ != State::Reading) return state_;
  if (step_ == Step::Pair) {
    read_pair(true);
    state_ = State::Done;
  } else {
    fail("the form ends without its last delimiter");
  }
  if (!stream_) stream_ = false;
  return state_;
}

std::string FormFinder::encoded(std::string_view name) const {
  if (!delimiter_.empty()) return std::string(name);
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      text += c;
    } else {
      text += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return text;
}

/// One step with what there is; false: more bytes are needed.
bool FormFinder::step() {
  switch (step_) {
    case Step::Data:
      return read_data();
    case Step::AfterDelimiter:
      return read_after_delimiter();
    case Step::Head:
      return read_head();
    case Step::Pair:
      return read_pair(false);
    case Step::End:
      break;
  }
  state_ = State::Done;
  if (!stream_) stream_ = false;
  return false;
}

bool FormFinder::read_data() {
  for (std::size_t from = 0;;) {
    const std::size_t at = window_.find(delimiter_, from);
    if (at == std::string::npos) break;
    const std::string_view behind = std::string_view(window_).substr(at + delimiter_.size());
    // More text on the line makes it data that begins like a delimiter.
    const std::size_t text = behind.find_first_not_of(" \t");
    if (text == std::string_view::npos || behind.size() < 2) {
      if (behind.size() > kPaddingMax) return fail("a delimiter's line has no end");
      if (!field_.empty()) return at > kValueBytesMax ? fail(field_ + " is too long") : false;
      consume(at);
      return false;
    }
    if (!behind.starts_with("--") && behind[text] != '\r') {
      from = at + 1;
      continue;
    }
    if (!field_.empty()) take_field(std::string_view(window_).substr(0, at), seen_, seen_ + at);
    consume(at + delimiter_.size());
    step_ = Step::AfterDelimiter;
    return state_ == State::Reading;
  }
  const std::size_t keep = delimiter_.size() - 1;
  if (!field_.empty()) {
    return window_.size() > kValueBytesMax + keep ? fail(field_ + " is too long") : false;
  }
  if (window_.size() > keep) consume(window_.size() - keep);
  return false;
}

bool FormFinder::read_after_delimiter() {
  if (window_.size() < 2) return false;
  if (window_.starts_with("--")) {
    step_ = Step::End;
    return true;
  }
  const std::size_t end = window_.find("\r\n");
  if (end == std::string::npos) {
    return window_.size() > kPaddingMax ? fail("a delimiter's line has no end") : false;
  }
  // The line's end stays: a part without a head begins with an empty line.
  consume(end);
  step_ = Step::Head;
  return true;
}

bool FormFinder::read_head() {
  const std::size_t end = window_.find("\r\n\r\n");
  if (end == std::string::npos) {
    return window_.size() > kPartHeadMax ? fail("a part's head is too long") : false;
  }
  std::string name = field_name(std::string_view(window_).substr(0, end));
  const bool wanted = (name == "model" && !model_) || (name == "stream" && !stream_);
  field_ = wanted ? std::move(name) : std::string();
  consume(end + 4);
  step_ = Step::Data;
  return true;
}

bool FormFinder::read_pair(bool is_last) {
  const std::size_t end = window_.find('&');
  if (end == std::string::npos && !is_last) {
    if (window_.size() <= kPairMax) return false;
    skipping_ = true;
    consume(window_.size());
    return false;
  }
  const std::string_view pair = std::string_view(window_).substr(0, end);
  const std::size_t equals = pair.find('=');
  if (!skipping_ && equals != std::string_view::npos) {
    std::string name = form_decode(pair.substr(0, equals));
    if (is_wanted(name)) {
      field_ = std::move(name);
      const std::string value = form_decode(pair.substr(equals + 1));
      take_field(value, seen_ + equals + 1, seen_ + pair.size());
    }
  }
  skipping_ = false;
  if (end == std::string::npos) return false;
  consume(end + 1);
  return state_ == State::Reading;
}

void FormFinder::take_field(std::string_view value, std::size_t begin, std::size_t end) {
  if (value.size() > kValueBytesMax) {
    fail(field_ + " is too long");
  } else if (field_ == "model" && !model_) {
    model_ = std::string(value);
    model_begin_ = begin;
    model_end_ = end;
  } else if (field_ == "stream" && !stream_) {
    stream_ = value == "true";
  }
  field_.clear();
}

void FormFinder::consume(std::size_t n) {
  const std::size_t not_ours = std::min(n, in_front_);
  in_front_ -= not_ours;
  seen_ += n - not_ours;
  window_.erase(0, n);
}

bool FormFinder::fail(std::string text) {
  state_ = State::Malformed;
  problem_ = std::move(text);
  window_.clear();
  return false;
}

}  // namespace rouse::wire
