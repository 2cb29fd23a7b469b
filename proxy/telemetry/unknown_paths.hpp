#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace rouse {

/// Which paths were asked for that nobody serves, so that the log tells of each once. Bounded:
/// whoever tries out many does not fill it.
class UnknownPaths {
 public:
  /// Whether @p path is a new one, of the first few.
  bool add(std::string_view path) {
    if (paths_.size() >= kMost) return false;
    return paths_.emplace(path.substr(0, kLongest)).second;
  }

 private:
  static constexpr std::size_t kMost = 100;
  static constexpr std::size_t kLongest = 200;

  std::set<std::string, std::less<>> paths_;
};

}  // namespace rouse
