#pragma once

#include "base/wake/packets.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace rouse {

/// What `rouse wake` says: lines while it works, or one JSON object at the end.
class WakeReport {
 public:
  explicit WakeReport(bool json) : json_(json) {}

  /// A line now; nothing with JSON.
  void say(const std::string& line) const;
  /// What became of a path: a line when that is new.
  void told(const WakeResult& result);
  void count_volley() { ++volleys_; }
  [[nodiscard]] int volleys() const { return volleys_; }
  [[nodiscard]] bool any_sent() const;

  struct End {
    std::string name;
    std::optional<bool> awake;  ///< nullopt: nobody was asked
    bool already = false;       ///< before anything was sent
    std::chrono::milliseconds took{0};
    std::string answer;  ///< the last sign
    bool is_test = false;
    std::string woken_by;                ///< of a test
    std::vector<std::string> not_tried;  ///< of a test
  };
  /// The last line, or the object.
  void finish(const End& end) const;

 private:
  struct Path {
    WakeResult last;
    int times = 0;
  };

  void finish_json(const End& end) const;

  bool json_;
  int volleys_ = 0;
  std::map<std::tuple<std::string, std::string, std::string>, Path> paths_;
};

}  // namespace rouse
