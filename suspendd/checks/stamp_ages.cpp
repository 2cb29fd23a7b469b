#include "suspendd/checks/stamp_ages.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace rouse::suspendd {
namespace {

/// Ages beyond this are all the same, and do not overflow a clock.
constexpr std::chrono::hours kOld{24 * 365};

}  // namespace

void StampAges::begin(Time now, Wall wall) {
  now_ = now;
  wall_ = wall;
  for (auto& [name, thing] : things_) thing.seen = false;
}

void StampAges::add(const std::string& name, std::int64_t stamp) {
  const auto it = things_.find(name);
  if (it != things_.end()) {
    it->second.seen = true;
    if (it->second.stamp == stamp) return;
    it->second.stamp = stamp;
    it->second.used = now_;
    return;
  }
  const auto wall = std::chrono::duration_cast<std::chrono::nanoseconds>(wall_.time_since_epoch());
  // A stamp of the future (a clock set back, another machine's clock): used now, as far as we know.
  const std::chrono::nanoseconds age{
      std::clamp<std::int64_t>(wall.count() - stamp, 0, std::chrono::nanoseconds(kOld).count())};
  things_.emplace(name, Thing{stamp, now_ - std::chrono::duration_cast<Time::duration>(age), true});
}

void StampAges::end() {
  std::erase_if(things_, [](const auto& each) { return !each.second.seen; });
}

std::chrono::milliseconds StampAges::age(const std::string& name) const {
  return std::chrono::duration_cast<std::chrono::milliseconds>(now_ - things_.at(name).used);
}

StampAges::Youngest StampAges::youngest() const {
  ROUSE_CHECK(!things_.empty());
  const auto it =
      std::max_element(things_.begin(), things_.end(),
                       [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
  return Youngest{it->first,
                  std::chrono::duration_cast<std::chrono::milliseconds>(now_ - it->second.used)};
}

}  // namespace rouse::suspendd
