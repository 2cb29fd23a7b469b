#pragma once

#include "base/http/message.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <string_view>

namespace rouse {

/// Takes the framing off a body, in place: a pure state machine fed with what was read. Strict
/// where two readers could differ about where a chunk ends. Trailers are checked and dropped.
class BodyDecoder {
 public:
  BodyDecoder() = default;
  /// A body of @p framing; @p length with Framing::Length. More than @p body_max bytes of data are
  /// refused.
  BodyDecoder(Framing framing, std::uint64_t length, std::uint64_t body_max);

  struct Decoded {
    std::size_t consumed = 0;
    std::string_view data;  ///< lies in the bytes that were given
  };
  /// Decodes from @p bytes (@p size of them) as much as is there. The data of several chunks is
  /// moved together, so that a burst of small chunks costs its receiver one write.
  Result<Decoded> decode(char* bytes, std::size_t size);

  /// The connection ended: an error unless that is how the body ends.
  Result<void> finish();

  [[nodiscard]] bool is_done() const { return done_; }

 private:
  enum class State {
    Size,  ///< before the first digit of a chunk's size
    SizeDigits,
    Extension,
    SizeFeed,  ///< the LF after a size
    Data,
    DataReturn,  ///< the CR after a chunk's data
    DataFeed,
    LineStart,  ///< of a trailer, or of the last, empty line
    TrailerName,
    TrailerValue,
    TrailerFeed,
    LastFeed,
  };

  Result<Decoded> decode_chunks(char* bytes, std::size_t size);
  /// Takes one byte of framing; what is wrong with it, or null.
  const char* step(unsigned char byte);
  const char* step_size(unsigned char byte);
  const char* step_trailer(unsigned char byte);
  const char* start_chunk();

  Framing framing_ = Framing::None;
  State state_ = State::Size;
  bool done_ = true;
  bool too_large_ = false;
  int digits_ = 0;
  std::uint64_t left_ = 0;      ///< of the body, or of the chunk
  std::uint64_t allowed_ = 0;   ///< data that may still come
  std::uint64_t overhead_ = 0;  ///< extension bytes not paid for by data
  std::uint64_t trailers_ = 0;  ///< bytes
};

}  // namespace rouse
