#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/systemd/logind.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace rouse::suspendd {
namespace {

/// Block and block-weak locks on sleep or idle, of whatever user: before 257 logind itself
/// ignores locks of the user who asks for the sleep. Locks of this process do not count.
class Inhibitors final : public Check {
 public:
  Inhibitors(InhibitorsCheck settings, Logind& logind)
      : settings_(std::move(settings)), logind_(logind) {}

  Task<Finding> look() override {
    const auto all = co_await logind_.inhibitors();
    if (!all) co_return unknown(all.error().message());
    std::vector<std::string> counting;
    std::size_t ignored = 0;
    for (const Inhibitor& inhibitor : *all) {
      if (!blocks(inhibitor)) continue;
      if (is_ignored(inhibitor)) {
        ++ignored;
      } else {
        counting.push_back(text(inhibitor));
      }
    }
    const std::string also = ignored > 0 ? "; " + count_text(ignored, "lock") + " ignored" : "";
    if (counting.empty()) co_return idle("no program holds a block lock on sleep or idle" + also);
    std::string reason = count_text(counting.size(), "block lock") + ": ";
    constexpr std::size_t kShown = 3;
    for (std::size_t i = 0; i < std::min(counting.size(), kShown); ++i) {
      if (i > 0) reason += "; ";
      reason += counting[i];
    }
    if (counting.size() > kShown) reason += "; …";
    co_return active(std::move(reason) + also);
  }

 private:
  static bool blocks(const Inhibitor& inhibitor) {
    const bool mode = inhibitor.mode == "block" || inhibitor.mode == "block-weak";
    const bool what = inhibitor.has("sleep") || inhibitor.has("idle");
    return mode && what && inhibitor.pid != static_cast<std::uint32_t>(::getpid());
  }
  [[nodiscard]] bool is_ignored(const Inhibitor& inhibitor) const {
    return std::find(settings_.ignore.begin(), settings_.ignore.end(), inhibitor.who) !=
           settings_.ignore.end();
  }
  static std::string text(const Inhibitor& inhibitor) {
    return excerpt(inhibitor.who, 60) + " (" + excerpt(inhibitor.why, 80) + "; " +
           excerpt(inhibitor.what, 60) + ", " + inhibitor.mode + ", uid " +
           std::to_string(inhibitor.uid) + ", pid " + std::to_string(inhibitor.pid) + ")";
  }

  InhibitorsCheck settings_;
  Logind& logind_;
};

}  // namespace

CheckPtr make_kind(const InhibitorsCheck& settings, const CheckConfig&, CheckContext& context) {
  if (context.logind == nullptr) return std::make_unique<BrokenCheck>("there is no message bus");
  return std::make_unique<Inhibitors>(settings, *context.logind);
}

}  // namespace rouse::suspendd
