#include "proxy/logs/time_pattern.hpp"

#include <functional>
#include <map>

namespace rouse {

std::string time_pattern(const std::string& name) {
  static const std::map<std::string, std::string, std::less<>> kPatterns{
      {"ansic", "%a %b %_ %H:%M:%S %Y"},
      {"unixdate", "%a %b %_ %H:%M:%S %Z %Y"},
      {"rubydate", "%a %b %d %H:%M:%S %q %Y"},
      {"rfc822", "%d %b %C %H:%M %Z"},
      {"rfc822z", "%d %b %C %H:%M %q"},
      {"rfc850", "%A, %d-%b-%C %H:%M:%S %Z"},
      {"rfc1123", "%a, %d %b %Y %H:%M:%S %Z"},
      {"rfc1123z", "%a, %d %b %Y %H:%M:%S %q"},
      {"rfc3339", "%Y-%m-%dT%H:%M:%S%z"},
      {"rfc3339nano", "%Y-%m-%dT%H:%M:%S.%F%z"},
      {"kitchen", "%k:%M%p"},
      {"stamp", "%b %_ %H:%M:%S"},
      {"stampmilli", "%b %_ %H:%M:%S.%e"},
      {"stampmicro", "%b %_ %H:%M:%S.%f"},
      {"stampnano", "%b %_ %H:%M:%S.%F"}};
  const auto it = kPatterns.find(name);
  return it == kPatterns.end() ? std::string() : it->second;
}

}  // namespace rouse
