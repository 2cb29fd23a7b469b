#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/checks/proc_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

namespace rouse::suspendd {
namespace {

/// Reads the kernel's table only; what is mounted there is never touched, so a server that is gone
/// holds up nothing.
class MountLook final : public Check {
 public:
  MountLook(const MountCheck& settings, CheckContext& context)
      : settings_(settings), context_(context) {
    for (std::string& point : settings_.points) {
      while (point.size() > 1 && point.back() == '/') point.pop_back();
    }
  }

  Task<Finding> look() override { co_return judge(); }

 private:
  [[nodiscard]] Finding judge() const {
    const Result<std::string> text = context_.root.read("/proc/self/mountinfo");
    if (!text) return unknown(text.error().message());
    const std::vector<Mount> mounts = mounts_in(*text);
    if (mounts.empty()) return unknown("/proc/self/mountinfo names no mount");
    for (const std::string& point : settings_.points) {
      const auto it = std::find_if(mounts.begin(), mounts.end(), [&point](const Mount& each) {
        return each.point == point && each.type != "autofs";  // waits to be mounted
      });
      if (it != mounts.end()) return active(fmt::format("{} is mounted ({})", point, it->type));
    }
    return idle(fmt::format("not mounted: {}", fmt::join(settings_.points, ", ")));
  }

  MountCheck settings_;
  CheckContext& context_;
};

}  // namespace

CheckPtr make_kind(const MountCheck& settings, const CheckConfig&, CheckContext& context) {
  return std::make_unique<MountLook>(settings, context);
}

}  // namespace rouse::suspendd
