#include "base/text/duration_text.hpp"
#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/checks/session_idle.hpp"
#include "suspendd/systemd/logind.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace rouse::suspendd {
namespace {

/// Sessions of people that logind knows: ssh with or without utmp, tailscaled's, consoles,
/// desktops. One counts while its last input is younger than `idle`; one that nothing tells about
/// counts as long as it lasts. A session whose login has ended (mosh, screen) counts only by its
/// terminals.
class Sessions final : public Check {
 public:
  Sessions(SessionsCheck settings, Logind& logind, const CheckContext& context)
      : settings_(std::move(settings)),
        logind_(logind),
        idle_(context.root, context.now, context.wall) {}

  Task<Finding> look() override {
    const auto all = co_await logind_.sessions();
    if (!all) co_return unknown(all.error().message());
    idle_.begin_round();
    Finding finding = judge(*all);
    idle_.end_round();
    co_return finding;
  }

 private:
  Finding judge(const std::vector<Session>& sessions) {
    std::string counting;
    std::size_t quiet = 0;
    std::optional<milliseconds> youngest;
    for (const Session& session : sessions) {
      if (!session.is_user() || is_ignored(session)) continue;
      const auto age = idle_.age(session);
      if (!age && session.state == "closing") continue;
      if (age && *age >= settings_.idle) {
        ++quiet;
        youngest = youngest ? std::min(*youngest, *age) : *age;
        continue;
      }
      if (!counting.empty()) counting += "; ";
      counting += text(session);
      counting += age ? ", idle for " + age_text(*age) + " of " + duration_text(settings_.idle)
                      : ", nothing tells how long it has been idle";
      if (counting.size() > kReasonMax) return active(std::move(counting) + "; …");
    }
    if (!counting.empty()) return active(std::move(counting));
    if (quiet == 0) return idle("nobody is logged in");
    Finding finding =
        idle(count_text(quiet, "session") + ", the last input " + age_text(*youngest) + " ago, " +
             duration_text(settings_.idle) + " or more");
    finding.idle_for = *youngest;
    return finding;
  }

  [[nodiscard]] bool is_ignored(const Session& session) const {
    const auto& users = settings_.ignore_users;
    return (!settings_.local && !session.remote) ||
           std::find(users.begin(), users.end(), session.user) != users.end();
  }

  static std::string text(const Session& session) {
    std::string words = "session " + excerpt(session.id, 20) + " of " + excerpt(session.user, 40);
    if (session.remote) {
      words += session.remote_host.empty() ? " from elsewhere"
                                           : " from " + excerpt(session.remote_host, 60);
    }
    const std::string by = session.service.empty() ? session.type : session.service;
    words += " (" + excerpt(by, 40);
    if (!session.tty.empty()) words += ", " + excerpt(session.tty, 20);
    return words + ")";
  }

  static constexpr std::size_t kReasonMax = 400;
  SessionsCheck settings_;
  Logind& logind_;
  SessionIdle idle_;
};

}  // namespace

CheckPtr make_kind(const SessionsCheck& settings, const CheckConfig&, CheckContext& context) {
  if (context.logind == nullptr) return std::make_unique<BrokenCheck>("there is no message bus");
  return std::make_unique<Sessions>(settings, *context.logind, context);
}

}  // namespace rouse::suspendd
