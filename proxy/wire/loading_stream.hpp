#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace rouse::wire {

/// How often next() is worth calling: a dot each (docs/llama-swap.md, The loading stream).
inline constexpr std::chrono::milliseconds kLoadingInterval{750};

/// Progress of a load as reasoning_content frames of a chat stream, for models that set
/// sendLoadingState. Says what is known, when it changes, and else a dot; it never delays anything.
class LoadingStream {
 public:
  explicit LoadingStream(std::string model);

  /// The next frame. @p queue_position 1: next in turn; 0: the wait is over, the engine works. @p
  /// trouble: what is amiss with the load; empty: nothing.
  [[nodiscard]] std::string next(std::chrono::milliseconds elapsed, std::size_t queue_position,
                                 const std::string& trouble = {});
  /// The closing line, if it is owed: before anything of the model's own.
  [[nodiscard]] std::string end(std::chrono::milliseconds elapsed);

 private:
  std::string model_;
  std::size_t last_position_ = 0;
  std::string last_trouble_;
  bool begun_ = false;
  bool done_ = false;
};

}  // namespace rouse::wire
