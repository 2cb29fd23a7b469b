#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::suspendd {

/// `GET /running` of llama-swap: its models that are being loaded or stopped, in words. nullopt:
/// this is not such an answer.
[[nodiscard]] std::optional<std::vector<std::string>> models_in_motion(const std::string& running);

/// Finds the first snapshot of the requests in flight in llama-swap's `/api/events`: frames
/// `data:{"type":"inflight","data":"<JSON text>"}`, where the text says
/// `{"operation":"snapshot","requests":[{"model":…}]}`. Versions before that said
/// `{"total":N}`. Everything else that is said there (logs, mostly) is passed over.
class InflightReader {
 public:
  /// @p piece of the stream; true: the snapshot is there, no more is needed.
  bool take(std::string_view piece);

  /// The model of each request; nullopt as long as there was no snapshot.
  [[nodiscard]] const std::optional<std::vector<std::string>>& models() const { return models_; }

 private:
  void take_line(const std::string& line);

  std::string line_;  ///< not ended yet
  bool too_long_ = false;
  std::optional<std::vector<std::string>> models_;
};

}  // namespace rouse::suspendd
