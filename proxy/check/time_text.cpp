#include "proxy/check/time_text.hpp"

#include "base/text/rfc3339.hpp"

namespace rouse {

std::string day_text(std::chrono::system_clock::time_point at) {
  std::string text = to_rfc3339(at);
  constexpr std::size_t kDaySize = 10;
  return text.ends_with("T00:00:00Z") ? text.substr(0, kDaySize) : text;
}

}  // namespace rouse
