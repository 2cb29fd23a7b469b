#pragma once

#include "tests/fake_engine/options.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace fake_engine {

/// What goes out as one chunk, and how long the engine is silent before it.
struct RecordedPiece {
  std::chrono::milliseconds pause_before{0};
  std::string bytes;
};

/// The file of --stream-file, cut as --split and --stall-at say.
[[nodiscard]] std::vector<RecordedPiece> recorded_pieces(const Options& options);

}  // namespace fake_engine
