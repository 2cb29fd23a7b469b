#include "base/text/duration_text.hpp"
#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/systemd/logind.hpp"
#include "suspendd/systemd/units.hpp"

#include <algorithm>
#include <utility>

namespace rouse::suspendd {
namespace {

using std::chrono::duration_cast;

/// What happens soonest, and when.
struct Due {
  std::optional<milliseconds> in;
  std::string what;

  void consider(milliseconds when, std::string candidate) {
    when = std::max(when, milliseconds(0));
    if (in && *in <= when) return;
    in = when;
    what = std::move(candidate);
  }
};

/// Something is due within min_sleep: a timer of systemd, a scheduled shutdown, a wake-up of ours.
/// A sleep before that is not worth it, or would miss it.
class Upcoming final : public Check {
 public:
  Upcoming(UpcomingCheck settings, CheckContext& context)
      : settings_(std::move(settings)), context_(context) {}

  Task<Finding> look() override {
    Due due;
    std::string unclear;
    if (const auto own = context_.next_wakeup ? context_.next_wakeup() : std::nullopt) {
      due.consider(*own, "a planned wake-up");
    }
    if (context_.logind != nullptr) {
      const auto shutdown = co_await context_.logind->scheduled_shutdown();
      if (!shutdown) {
        note(unclear, shutdown.error());
      } else if (*shutdown) {
        due.consider(until((*shutdown)->at), "a scheduled " + excerpt((*shutdown)->kind, 40));
      }
    }
    for (const std::string& timer : settings_.timers) {
      const auto next = co_await context_.units->timer_next(timer);
      if (!next) {
        note(unclear, next.error());
        continue;
      }
      if (next->realtime) due.consider(until(*next->realtime), excerpt(timer));
      if (next->monotonic) due.consider(until(*next->monotonic), excerpt(timer));
    }
    const std::string than = duration_text(settings_.min_sleep);
    if (due.in && *due.in < settings_.min_sleep) {
      co_return active(due.what + " is due in " + age_text(*due.in) + ", less than " + than);
    }
    if (!unclear.empty()) co_return unknown(std::move(unclear));
    if (!due.in) co_return idle("nothing is due");
    co_return idle(due.what + " is due in " + age_text(*due.in) + ", " + than + " or more");
  }

 private:
  [[nodiscard]] milliseconds until(std::chrono::system_clock::time_point at) const {
    return duration_cast<milliseconds>(at - context_.wall());
  }
  [[nodiscard]] milliseconds until(std::chrono::microseconds monotonic) const {
    return duration_cast<milliseconds>(monotonic - context_.now().time_since_epoch());
  }
  static void note(std::string& unclear, const Error& error) {
    if (!unclear.empty()) unclear += "; ";
    unclear += error.message();
  }

  UpcomingCheck settings_;
  CheckContext& context_;
};

}  // namespace

CheckPtr make_kind(const UpcomingCheck& settings, const CheckConfig&, CheckContext& context) {
  if (context.units == nullptr && !settings.timers.empty()) {
    return std::make_unique<BrokenCheck>("there is no message bus to ask for timers");
  }
  return std::make_unique<Upcoming>(settings, context);
}

}  // namespace rouse::suspendd
