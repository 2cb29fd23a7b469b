#include "proxy/wire/form_finder.hpp"

#include "base/http/message.hpp"
#include "base/text/ascii.hpp"
#include "proxy/wire/query.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

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

/// The values of the parameters of a field's text whose names @p is_wanted, quotes taken off.
std::vector<std::string> parameters(std::string_view text,
                                    const std::function<bool(std::string_view)>& is_wanted) {
  std::vector<std::string> found;
  std::size_t at = text.find(';');
  while (at < text.size()) {
    std::size_t equals = text.find('=', at);
    if (equals == std::string_view::npos) return found;
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
    if (is_wanted(key)) found.push_back(std::move(value));
  }
  return found;
}

/// The value of the parameter @p name; empty: none.
std::string parameter(std::string_view text, std::string_view name) {
  const std::vector<std::string> all =
      parameters(text, [name](std::string_view key) { return equal_without_case(key, name); });
  return all.empty() ? std::string() : all.front();
}

/// What a part's head says of its field.
struct PartName {
  std::string name;       ///< empty: it has none, or is a file, whatever that is called
  bool is_model = false;  ///< somebody may read that it is the model: one of its names says so
};

/// Of name and name*, which has a character set in front (RFC 8187).
bool says_model(std::string_view value) {
  const std::size_t quote = value.rfind('\'');
  const std::string plain = quote == std::string_view::npos
                                ? std::string(value)
                                : percent_decode(value.substr(quote + 1));
  return to_lower(value) == "model" || to_lower(plain) == "model";
}

PartName part_name(std::string head) {
  // A line that begins with a blank goes on with the one before (RFC 5322 §2.2.3).
  for (const std::string fold : {"\r\n ", "\r\n\t"}) {
    for (std::size_t at = head.find(fold); at != std::string::npos; at = head.find(fold, at)) {
      head.replace(at, fold.size(), " ");
    }
  }
  PartName found;
  bool is_first = true;
  std::string_view rest = head;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos &&
        equal_without_case(trim(line.substr(0, colon)), "content-disposition")) {
      const std::string_view value = line.substr(colon + 1);
      if (!parameter(value, "filename").empty()) return {};
      if (std::exchange(is_first, false)) found.name = parameter(value, "name");
      const std::vector<std::string> names = parameters(value, [](std::string_view key) {
        return equal_without_case(key, "name") || equal_without_case(key, "name*");
      });
      found.is_model = found.is_model || std::any_of(names.begin(), names.end(), says_model);
    }
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  return found;
}

/// Twice as fast as string::find where the data is full of the needle's first byte.
std::size_t find_bytes(std::string_view text, std::string_view needle, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  const void* at = ::memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  if (at == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
}

/// What stands behind a delimiter's text: it decides whether it is one.
enum class Behind { Undecided, Delimiter, Data, TooLong };

Behind judge(std::string_view behind) {
  if (behind.starts_with("--")) behind.remove_prefix(2);
  if (behind == "-") return Behind::Undecided;
  const std::size_t text = behind.find_first_not_of(" \t");
  if (std::min(text, behind.size()) > kPaddingMax) return Behind::TooLong;
  if (text == std::string_view::npos) return Behind::Undecided;
  if (behind[text] != '\r') return Behind::Data;
  if (text + 1 == behind.size()) return Behind::Undecided;
  return behind[text + 1] == '\n' ? Behind::Delimiter : Behind::Data;
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
  window_.erase(0, std::exchange(at_, 0));
  window_ += piece;
  while (state_ == State::Reading && step()) {
  }
  return state_;
}

FormFinder::State FormFinder::finish() {
  if (state_ != State::Reading) return state_;
  if (step_ == Step::Pair) {
    read_pair(true);
    if (state_ == State::Reading) state_ = State::Done;
  } else {
    // Most bodies end right behind their last delimiter.
    feed("\r\n");
    if (state_ == State::Reading) fail("the form ends without its last delimiter");
  }
  if (!stream_) stream_ = false;
  return state_;
}

std::string FormFinder::encoded(std::string_view name) const {
  if (!delimiter_.empty()) return std::string(name);
  return percent_encode(name);
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
  const std::string_view data = view();
  for (std::size_t from = 0;;) {
    const std::size_t at = find_bytes(data, delimiter_, from);
    if (at == std::string_view::npos) break;
    const Behind behind = judge(data.substr(at + delimiter_.size()));
    if (behind == Behind::Data) {
      from = at + 1;
      continue;
    }
    if (behind == Behind::TooLong) return fail("a delimiter's line has no end");
    if (!field_.empty() && at > kValueBytesMax) return fail(field_ + " is too long");
    if (behind == Behind::Undecided) {
      if (field_.empty()) consume(at);
      return false;
    }
    if (!field_.empty()) take_field(data.substr(0, at), seen_, seen_ + at);
    consume(at + delimiter_.size());
    step_ = Step::AfterDelimiter;
    return state_ == State::Reading;
  }
  const std::size_t keep = delimiter_.size() - 1;
  if (!field_.empty()) {
    return data.size() > kValueBytesMax + keep ? fail(field_ + " is too long") : false;
  }
  if (data.size() > keep) consume(data.size() - keep);
  return false;
}

bool FormFinder::read_after_delimiter() {
  if (view().starts_with("--")) {
    step_ = Step::End;
    return true;
  }
  // The line's end stays: a part without a head begins with an empty line.
  consume(view().find("\r\n"));
  step_ = Step::Head;
  return true;
}

bool FormFinder::read_head() {
  const std::size_t end = view().find("\r\n\r\n");
  if (std::min(end, view().size()) > kPartHeadMax) return fail("a part's head is too long");
  if (end == std::string_view::npos) return false;
  PartName part = part_name(std::string(view().substr(0, end)));
  if (part.is_model && !note_name("model")) return false;
  const bool wanted = part.name == "model" || (part.name == "stream" && !stream_);
  field_ = wanted ? std::move(part.name) : std::string();
  consume(end + 4);
  step_ = Step::Data;
  return true;
}

bool FormFinder::read_pair(bool is_last) {
  const std::string_view data = view();
  const std::size_t end = data.find('&');
  const std::string_view pair = data.substr(0, end);
  if (pair.size() > kPairMax || skipping_) {
    if (!skipping_ && !take_long_pair(pair)) return false;
    skipping_ = end == std::string_view::npos;
    consume(skipping_ ? data.size() : end + 1);
    return !skipping_;
  }
  if (end == std::string_view::npos && !is_last) return false;
  const std::size_t equals = pair.find('=');
  std::string name = form_decode(pair.substr(0, equals));
  if (!note_name(name)) return false;
  if (equals != std::string_view::npos) {
    if (is_wanted(name)) {
      field_ = std::move(name);
      take_field(form_decode(pair.substr(equals + 1)), seen_ + equals + 1, seen_ + pair.size());
    }
  }
  if (end == std::string_view::npos) return false;
  consume(end + 1);
  return state_ == State::Reading;
}

/// A pair that is too long for a name: that of a model is a fault, others are skipped.
bool FormFinder::take_long_pair(std::string_view pair) {
  const std::string name = form_decode(pair.substr(0, std::min<std::size_t>(pair.find('='), 64)));
  return note_name(name) && (name != "model" || fail("model is too long"));
}

/// False: @p name is that of the model, which there has been before.
bool FormFinder::note_name(std::string_view name) {
  if (to_lower(name) != "model") return true;
  return !std::exchange(is_named_, true) || fail("it has the field \"model\" a second time");
}

void FormFinder::take_field(std::string_view value, std::size_t begin, std::size_t end) {
  if (field_ == "model" && !model_) {
    if (value.size() > kValueBytesMax) {
      fail("model is too long");
      return;
    }
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
  at_ += n;
}

bool FormFinder::fail(std::string text) {
  state_ = State::Malformed;
  problem_ = std::move(text);
  window_.clear();
  at_ = 0;
  return false;
}

}  // namespace rouse::wire
