#include "proxy/logs/time_pattern.hpp"

#include <functional>
#include <map>

namespace rouse {

std::string time_pattern(const std::string& name) {
  static const std::map<std::string, std::string, std::less<>> kPatterns{
      {"ansic", "%a %b %e %H:%M:%S %Y"},
      {"unixdate", "%a %b %e %H:%M:%S %Z %Y"},
      {"rubydate", "%a %b %d %H:%M:%S %z %Y"},
      {"rfc822", "%d %b %y %H:%M %Z"},
      {"rfc822z", "%d %b %y %H:%M %z"},
      {"rfc850", "%A, %d-%b-%y %H:%M:%S %Z"},
      {"rfc1123", "%a, %d %b %Y %H:%M:%S %Z"},
      {"rfc1123z", "%a, %d %b %Y %H:%M:%S %z"},
      {"rfc3339", "%Y-%m-%dT%H:%M:%S%z"},
      {"rfc3339nano", "%Y-%m-%dT%H:%M:%S.%F%z"},
      {"kitchen", "%I:%M%p"},
      {"stamp", "%b %e %H:%M:%S"},
      {"stampmilli", "%b %e %H:%M:%S.%e"},
      {"stampmicro", "%b %e %H:%M:%S.%f"},
      {"stampnano", "%b %e %H:%M:%S.%F"}};
  const auto it = kPatterns.find(name);
  return it == kPatterns.end() ? std::string() : it->second;
}

}  // namespace rouse
