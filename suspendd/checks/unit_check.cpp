#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/systemd/units.hpp"

#include <utility>

namespace rouse::suspendd {
namespace {

/// Units of systemd that run, start, reload or stop. One that is not installed is idle, and the
/// reason says so.
class Units final : public Check {
 public:
  Units(UnitCheck settings, SystemdUnits& units) : settings_(std::move(settings)), units_(units) {}

  Task<Finding> look() override {
    std::string busy;
    std::string quiet;
    std::string unclear;
    for (const std::string& unit : settings_.units) {
      const auto state = co_await units_.unit_state(unit);
      if (!state) {
        add(unclear, state.error().message());
      } else if (state->active == "inactive" || state->active == "failed") {
        add(quiet, excerpt(unit) + (state->load == "loaded" ? " is " + excerpt(state->active)
                                                            : " is " + excerpt(state->load)));
      } else {
        add(busy,
            excerpt(unit) + " is " + excerpt(state->active) + " (" + excerpt(state->sub) + ")");
      }
    }
    if (!busy.empty()) co_return active(std::move(busy));
    if (!unclear.empty()) co_return unknown(std::move(unclear));
    co_return idle(quiet.empty() ? "no units are named" : std::move(quiet));
  }

 private:
  static void add(std::string& list, const std::string& text) {
    if (!list.empty()) list += "; ";
    list += text;
  }

  UnitCheck settings_;
  SystemdUnits& units_;
};

}  // namespace

CheckPtr make_kind(const UnitCheck& settings, const CheckConfig&, CheckContext& context) {
  if (context.units == nullptr) return std::make_unique<BrokenCheck>("there is no message bus");
  return std::make_unique<Units>(settings, *context.units);
}

}  // namespace rouse::suspendd
