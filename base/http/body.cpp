#include "base/http/body.hpp"

#include "base/http/stream.hpp"

#include <algorithm>
#include <cstring>
#include <string>

namespace rouse {
namespace {

constexpr int kSizeDigitsMax = 16;
/// Chunk extensions are free up to this much beyond what the data of the chunks pays for.
constexpr std::uint64_t kOverheadMax = 16 * 1024;
constexpr std::uint64_t kTrailersMax = 16 * 1024;

int hex_value(unsigned char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

bool is_text(unsigned char byte) {
  return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

bool is_name_char(unsigned char byte) {
  constexpr std::string_view kSeparators = "()<>@,;:\\\"/[]?={}";
  return byte > ' ' && byte < 0x7f &&
         kSeparators.find(static_cast<char>(byte)) == std::string_view::npos;
}

}  // namespace

BodyDecoder::BodyDecoder(Framing framing, std::uint64_t length, std::uint64_t body_max)
    : framing_(framing),
      done_(framing == Framing::None || (framing == Framing::Length && length == 0)),
      left_(framing == Framing::Length ? length : 0),
      allowed_(body_max) {}

Result<BodyDecoder::Decoded> BodyDecoder::decode(char* bytes, std::size_t size) {
  if (done_ || size == 0) return Decoded{};
  if (framing_ == Framing::Chunked) return decode_chunks(bytes, size);
  if (framing_ == Framing::UntilClose) return Decoded{size, std::string_view(bytes, size)};
  const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, size));
  left_ -= n;
  done_ = left_ == 0;
  return Decoded{n, std::string_view(bytes, n)};
}

Result<void> BodyDecoder::finish() {
  if (framing_ == Framing::UntilClose) done_ = true;
  if (done_) return {};
  return Error{make_error_code(HttpErrc::Truncated), "reading a body"};
}

Result<BodyDecoder::Decoded> BodyDecoder::decode_chunks(char* bytes, std::size_t size) {
  char* data = nullptr;
  std::size_t data_size = 0;
  std::size_t at = 0;
  while (at < size && !done_) {
    if (state_ == State::Data) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, size - at));
      if (data == nullptr) {
        data = bytes + at;
      } else {
        std::memmove(data + data_size, bytes + at, n);
      }
      data_size += n;
      at += n;
      left_ -= n;
      if (left_ == 0) state_ = State::DataReturn;
      continue;
    }
    const char* const wrong = step(static_cast<unsigned char>(bytes[at]));
    if (wrong != nullptr) {
      return Error{make_error_code(too_large_ ? HttpErrc::BodyTooLarge : HttpErrc::BadMessage),
                   wrong};
    }
    ++at;
  }
  return Decoded{at, std::string_view(data, data_size)};
}

const char* BodyDecoder::step(unsigned char byte) {
  switch (state_) {
    case State::Size:
    case State::SizeDigits:
    case State::Extension:
      return step_size(byte);
    case State::SizeFeed:
      if (byte != '\n') return "a chunk size line ends without LF";
      return start_chunk();
    case State::Data:
      break;  // never one byte at a time
    case State::DataReturn:
      if (byte != '\r') return "a chunk is longer than its size";
      state_ = State::DataFeed;
      return nullptr;
    case State::DataFeed:
      if (byte != '\n') return "a chunk's data ends without LF";
      state_ = State::Size;
      return nullptr;
    case State::LineStart:
    case State::TrailerName:
    case State::TrailerValue:
    case State::TrailerFeed:
    case State::LastFeed:
      return step_trailer(byte);
  }
  return "a broken decoder";
}

const char* BodyDecoder::step_size(unsigned char byte) {
  if (state_ == State::Extension) {
    if (byte == '\r') {
      state_ = State::SizeFeed;
      return nullptr;
    }
    if (!is_text(byte)) return "a control character in a chunk extension";
    if (++overhead_ > kOverheadMax) return "chunk extensions without end";
    return nullptr;
  }
  const int digit = hex_value(byte);
  if (digit >= 0) {
    if (state_ == State::Size) {
      left_ = 0;
      digits_ = 0;
    }
    if (++digits_ > kSizeDigitsMax) return "a chunk size of too many digits";
    left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
    state_ = State::SizeDigits;
    return nullptr;
  }
  if (state_ == State::Size) return "a chunk size that is no hexadecimal number";
  if (byte == ';') {
    state_ = State::Extension;
    return nullptr;
  }
  if (byte != '\r') return "a chunk size that is no hexadecimal number";
  state_ = State::SizeFeed;
  return nullptr;
}

const char* BodyDecoder::start_chunk() {
  if (left_ == 0) {
    state_ = State::LineStart;
    return nullptr;
  }
  if (left_ > allowed_) {
    too_large_ = true;
    return "a body beyond the limit";
  }
  allowed_ -= left_;
  // A sender may go on for ever if each extension comes with enough data; padding alone may not.
  const std::uint64_t paid = 16 + std::min<std::uint64_t>(left_, kOverheadMax);
  overhead_ -= std::min(overhead_, paid);
  state_ = State::Data;
  return nullptr;
}

const char* BodyDecoder::step_trailer(unsigned char byte) {
  if (++trailers_ > kTrailersMax) return "trailers without end";
  switch (state_) {
    case State::LineStart:
      if (byte == '\r') {
        state_ = State::LastFeed;
      } else if (is_name_char(byte)) {
        state_ = State::TrailerName;
      } else {
        return "a malformed trailer";
      }
      return nullptr;
    case State::TrailerName:
      if (byte == ':') {
        state_ = State::TrailerValue;
      } else if (!is_name_char(byte)) {
        return "a malformed trailer";
      }
      return nullptr;
    case State::TrailerValue:
      if (byte == '\r') {
        state_ = State::TrailerFeed;
      } else if (!is_text(byte)) {
        return "a control character in a trailer";
      }
      return nullptr;
    case State::TrailerFeed:
      if (byte != '\n') return "a trailer ends without LF";
      state_ = State::LineStart;
      return nullptr;
    case State::LastFeed:
      if (byte != '\n') return "a chunked body ends without LF";
      done_ = true;
      return nullptr;
    case State::Size:
    case State::SizeDigits:
    case State::Extension:
    case State::SizeFeed:
    case State::Data:
    case State::DataReturn:
    case State::DataFeed:
      break;
  }
  return "a broken decoder";
}

}  // namespace rouse
