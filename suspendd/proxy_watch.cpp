#include "suspendd/proxy_watch.hpp"

#include "base/async/use_task.hpp"
#include "base/text/json_writer.hpp"
#include "base/text/rfc3339.hpp"
#include "core/sleep/to_string.hpp"
#include "suspendd/box/clock.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace rouse::suspendd {

namespace policy = core::suspend;

namespace {

using namespace std::chrono_literals;

constexpr auto kSameCountdown = 2s;
constexpr auto kClockSlack = 500ms;  // the proxy and we look at the clock at different moments

}  // namespace

PowerFactsText power_facts(const policy::View& view, policy::Now now,
                           const std::vector<Nic>& nics) {
  JsonWriter json;
  json.begin_object();
  json.key("blocked");
  view.block ? json.value(view.block->reason) : json.null();
  json.key("wake");
  json.begin_object();
  json.key("macs");
  json.begin_array();
  for (const Nic& nic : nics) {
    json.begin_object();
    json.member("if", nic.name);
    json.member("mac", nic.mac);
    json.member("ip", nic.ip);
    json.member("broadcast", nic.broadcast);
    json.member("wol", wol_letters(nic.modes.armed));
    json.end_object();
  }
  json.end_array();
  json.end_object();
  if (view.last_suspend && view.last_suspend->ok) {
    json.key("last_sleep");
    json.begin_object();
    json.member("at", to_rfc3339(view.last_suspend->at));
    json.member("slept_ms", static_cast<std::int64_t>(view.last_suspend->slept.count()));
    json.member("wake", to_string(view.last_suspend->wake));
    json.end_object();
  }
  json.key("sleep_in_ms");
  view.sleep_in ? json.value(static_cast<std::int64_t>(view.sleep_in->count())) : json.null();
  json.end_object();

  PowerFactsText facts;
  facts.json = json.take();
  facts.gist = facts.json.substr(0, facts.json.find("\"sleep_in_ms\""));
  if (view.sleep_in) {
    const auto end = now.monotonic + *view.sleep_in;
    facts.gist += std::to_string(end.time_since_epoch() / kSameCountdown);
  }
  return facts;
}

ProxyWatch::ProxyWatch(Executor executor, PowerClient& power, PolicyLoop& loop,
                       ActionRunner& action_runner, Preflight& preflight, Pace pace)
    : executor_(executor),
      power_(power),
      loop_(loop),
      action_runner_(action_runner),
      preflight_(preflight),
      pace_(pace),
      bell_(executor) {}

Task<void> ProxyWatch::watch() {
  Timer timer(executor_);
  std::optional<Clock::time_point> last_work;
  bool was_reached = true;
  for (;;) {
    const Result<PowerClient::Activity> activity = co_await power_.activity();
    if (co_await is_cancelled()) co_return;
    action_runner_.note_proxy(activity ? std::string() : activity.error().message());
    if (was_reached && !activity) {
      spdlog::warn("the proxy does not answer: {}{}", activity.error().message(),
                   config_->proxy.unreachable_is_active ? "; it stays awake meanwhile" : "");
    }
    if (!was_reached && activity) spdlog::info("the proxy answers again");
    was_reached = static_cast<bool>(activity);
    if (activity) {
      const Clock::time_point work = Clock::now() - activity->idle;
      const bool is_newer = last_work && work > *last_work + kClockSlack;
      if (is_newer || (last_work && !activity->busy.empty())) loop_.tell(policy::RequestServed());
      last_work = work;
    }
    timer.expires_after(config_->idle.poll);
    co_await timer.async_wait(use_task);
    if (co_await is_cancelled()) co_return;
  }
}

Task<void> ProxyWatch::tell_facts() {
  std::string told;
  Clock::time_point told_at{};
  for (;;) {
    const bool is_due = Clock::now() - told_at > pace_.facts;
    if (is_due) preflight_.look(*config_);
    PowerFactsText facts = power_facts(loop_.view(), loop_.now(), preflight_.nics());
    if (is_due || facts.gist != told) {
      const Result<PowerClient::Answer> answer = co_await power_.tell_facts(std::move(facts.json));
      if (co_await is_cancelled()) co_return;
      if (answer && !answer->ok) spdlog::debug("facts: {}", answer->why);
      told = std::move(facts.gist);
      told_at = Clock::now();
    }
    bell_.expires_after(pace_.facts);
    co_await bell_.async_wait(use_task);
    if (co_await is_cancelled()) co_return;
    Timer gather(executor_, pace_.gather);
    co_await gather.async_wait(use_task);
    if (co_await is_cancelled()) co_return;
  }
}

}  // namespace rouse::suspendd
