#include "tests/fake_engine/recorded_stream.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace fake_engine {

std::vector<RecordedPiece> recorded_pieces(const Options& options) {
  std::ifstream file(options.stream_file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<std::size_t> stalls;
  for (const int at : options.stall_at) stalls.push_back(static_cast<std::size_t>(at));
  std::sort(stalls.begin(), stalls.end());

  std::vector<RecordedPiece> pieces;
  const std::size_t most =
      options.split > 0 ? static_cast<std::size_t>(options.split) : text.size();
  for (std::size_t at = 0; at < text.size();) {
    RecordedPiece piece;
    if (std::binary_search(stalls.begin(), stalls.end(), at)) {
      piece.pause_before = std::chrono::milliseconds(options.stall_ms);
    }
    const auto next = std::upper_bound(stalls.begin(), stalls.end(), at);
    const std::size_t limit = next == stalls.end() ? text.size() : std::min(*next, text.size());
    piece.bytes = text.substr(at, std::min(most, limit - at));
    at += piece.bytes.size();
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

}  // namespace fake_engine
