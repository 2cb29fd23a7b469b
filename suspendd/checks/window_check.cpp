#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/checks/time_zone.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <optional>

namespace rouse::suspendd {
namespace {

/// A moment in a week, by local clocks.
struct WeekTime {
  unsigned day = 0;  ///< 0: Monday
  int minute = 0;    ///< after midnight
};

WeekTime week_time(std::int64_t local_seconds) {
  constexpr std::int64_t kSeconds = 86400;
  const std::int64_t days =
      (local_seconds - (local_seconds % kSeconds + kSeconds) % kSeconds) / kSeconds;
  const std::int64_t minute = (local_seconds - days * kSeconds) / 60;
  const std::int64_t day = ((days + 3) % 7 + 7) % 7;  // 1970 began with a Thursday
  return WeekTime{static_cast<unsigned>(day), static_cast<int>(minute)};
}

bool has_day(const WindowCheck::Span& span, unsigned day) {
  return (span.days >> day & 1) != 0;
}

/// A span past midnight belongs to the day on which it begins.
bool holds(const WindowCheck::Span& span, const WeekTime& at) {
  if (span.from < span.to) {
    return has_day(span, at.day) && at.minute >= span.from && at.minute < span.to;
  }
  if (span.from == span.to) return false;
  if (at.minute >= span.from) return has_day(span, at.day);
  return at.minute < span.to && has_day(span, (at.day + 6) % 7);
}

std::string time_text(int minute) {
  return fmt::format("{:02}:{:02}", minute / 60, minute % 60);
}

/// The only check by the wall clock: its times are those of people.
class WindowLook final : public Check {
 public:
  WindowLook(const WindowCheck& settings, CheckContext& context, std::optional<TimeZone> zone)
      : settings_(settings), context_(context), zone_(std::move(zone)) {}

  Task<Finding> look() override { co_return judge(); }

 private:
  [[nodiscard]] Finding judge() const {
    constexpr std::array<const char*, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    const std::time_t now = std::chrono::system_clock::to_time_t(context_.wall());
    const WeekTime at = week_time(now + offset_at(now));
    const std::string text = fmt::format("{} {}{}{}", kDays[at.day], time_text(at.minute),
                                         zone_ ? " in " : "", settings_.time_zone);
    for (const WindowCheck::Span& span : settings_.spans) {
      if (holds(span, at)) {
        return active(
            fmt::format("it is {}, within {}-{}", text, time_text(span.from), time_text(span.to)));
      }
    }
    return idle(fmt::format("it is {}, outside of its times", text));
  }

  [[nodiscard]] std::int64_t offset_at(std::time_t now) const {
    if (zone_) return zone_->offset_at(now);
    ::tzset();  // sees a new /etc/localtime
    std::tm local{};
    ::localtime_r(&now, &local);
    return local.tm_gmtoff;
  }

  WindowCheck settings_;
  CheckContext& context_;
  std::optional<TimeZone> zone_;
};

}  // namespace

CheckPtr make_kind(const WindowCheck& settings, const CheckConfig&, CheckContext& context) {
  std::optional<TimeZone> zone;
  if (!settings.time_zone.empty()) {
    auto loaded = TimeZone::load(settings.time_zone);
    if (!loaded) return std::make_unique<BrokenCheck>(loaded.error().message());
    zone = std::move(*loaded);
  }
  return std::make_unique<WindowLook>(settings, context, std::move(zone));
}

}  // namespace rouse::suspendd
