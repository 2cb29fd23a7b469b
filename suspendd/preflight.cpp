#include "suspendd/preflight.hpp"

#include "suspendd/box/traps.hpp"
#include "suspendd/trap_context.hpp"

#include <algorithm>
#include <utility>

namespace rouse::suspendd {

namespace policy = core::suspend;

namespace {

policy::Verdict verdict_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::Active:
      return policy::Verdict::Active;
    case Verdict::Idle:
      return policy::Verdict::Idle;
    case Verdict::Unknown:
      break;
  }
  return policy::Verdict::Unknown;
}

}  // namespace

policy::CheckReported check_reported(const CheckRunner::Post& post) {
  return {post.name, verdict_of(post.finding.verdict), post.finding.reason, post.finding.idle_for};
}

Preflight::Preflight(CheckRunner& check_runner, Logind& logind, const Root& root, NicPort& port)
    : check_runner_(check_runner), logind_(logind), root_(root), port_(port) {}

void Preflight::look(const Config& config) {
  nics_ = list_nics(root_, port_, config.wol.interfaces);
}

void Preflight::arm(const Config& config) {
  look(config);
  if (!config.wol.arm) return;
  std::vector<std::string> names;
  for (const Nic& nic : nics_) {
    // What is armed for more than magic packets is left so where that is wanted.
    const bool is_fine = nic.wol == Nic::Wol::ArmedTooWide && !config.wol.only_magic;
    if (!is_fine) names.push_back(nic.name);
  }
  if (names.empty()) return;
  const std::vector<Nic> tried = arm_nics(root_, port_, names);
  look(config);
  for (Nic& nic : nics_) {
    const auto same = std::find_if(tried.begin(), tried.end(),
                                   [&nic](const Nic& each) { return each.name == nic.name; });
    if (same != tried.end() && !nic.is_armed()) nic.why = same->why;  // also why arming failed
  }
}

/// Why no packet would wake the machine although a card could be armed; empty: one would, or the
/// traps say so already.
std::string Preflight::disarmed() const {
  std::string text;
  for (const Nic& nic : nics_) {
    const bool is_on = nic.wol == Nic::Wol::Armed || nic.wol == Nic::Wol::ArmedTooWide;
    if (is_on && nic.wakeup_enabled.value_or(true)) return {};
    if (!is_on && nic.wol != Nic::Wol::Disarmed) continue;
    text += (text.empty() ? "" : "; ") + nic.name + ": " + nic.why;
  }
  return text;
}

Task<policy::PreflightDone> Preflight::run(policy::Op op, std::shared_ptr<const Config> config,
                                           policy::Memory memory, policy::Now now, Proxy proxy) {
  policy::PreflightDone done;
  done.op = op;
  const std::vector<CheckRunner::Post> posts = co_await check_runner_.look_again();
  for (const CheckRunner::Post& post : posts) done.findings.push_back(check_reported(post));
  arm(*config);
  const TrapContext context = co_await read_trap_context(logind_, *config, std::move(memory), now,
                                                         std::move(proxy.error), proxy.pid);
  for (const Trap& trap : find_traps(root_, port_, context)) {
    if (trap.severity != Severity::Refuse) continue;
    std::string text = trap.title + ": " + trap.what;
    if (!trap.todo.empty()) text += " (" + trap.todo + ")";
    done.problems.push_back(std::move(text));
  }
  const std::string off = config->wol.require ? disarmed() : std::string();
  if (!off.empty()) done.problems.push_back("wake-on-lan: no card is armed: " + off);
  co_return done;
}

}  // namespace rouse::suspendd
