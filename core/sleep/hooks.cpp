#include "core/sleep/state.hpp"
#include "core/swap/describe.hpp"

#include <algorithm>
#include <utility>

namespace rouse::core::suspend {

void SuspendPolicy::Body::run_hook(Hook hook, const HookSettings& how, Duration slept,
                                   WakeReason wake, std::string why) {
  if (!how.set) return;
  const Op op = new_op();
  hooks.push_back({op, hook, after(now.monotonic, how.timeout + kHookSlack)});
  out.emplace_back(RunHook{op, hook, how.timeout, slept, wake, std::move(why)});
}

bool SuspendPolicy::Body::finish_hook(const ActionDone& event) {
  const auto it = std::find_if(hooks.begin(), hooks.end(),
                               [&](const HookRun& run) { return run.op == event.op; });
  if (it == hooks.end()) return false;
  const Hook hook = it->hook;
  hooks.erase(it);
  if (!event.ok) hook_failed(hook, event.detail);
  return true;
}

void SuspendPolicy::Body::drive_hooks() {
  for (std::size_t i = 0; i < hooks.size();) {
    if (now.monotonic < hooks[i].due) {
      wake_at(hooks[i++].due);
      continue;
    }
    const Op op = hooks[i].op;
    out.emplace_back(Cancel{op, "the hook did not end in time"});
    finish_hook({op, false, "it did not end in time"});
  }
}

void SuspendPolicy::Body::hook_failed(Hook hook, const std::string& why) {
  const std::string text = std::string(to_string(hook)) + ": " + why;
  notify(Severity::Warning, Topic::HookFailed, text);
  if (hook == Hook::PostResume && settings.post_resume.on_fail == OnFail::Abort) {
    block(BlockCause::HookFailed, text, settings.backoff_max);
  }
}

}  // namespace rouse::core::suspend
