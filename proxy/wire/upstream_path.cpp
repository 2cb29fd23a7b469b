#include "proxy/wire/upstream_path.hpp"

#include "proxy/wire/route.hpp"

#include <algorithm>

namespace rouse::wire {

namespace {

/// Longer names are nobody's.
constexpr std::size_t kNameMax = 1024;

}  // namespace

std::optional<UpstreamPath> split_upstream(std::string_view path,
                                           const std::function<bool(const std::string&)>& is_name) {
  std::size_t end = path.size();
  if (end > kNameMax) end = path.rfind('/', kNameMax);
  while (end != std::string_view::npos && end > 0) {
    std::string name = percent_decode(path.substr(0, end));
    if (is_name(name)) return UpstreamPath{std::move(name), path.substr(end)};
    end = path.rfind('/', end - 1);
  }
  return std::nullopt;
}

}  // namespace rouse::wire
