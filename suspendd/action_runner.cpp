#include "suspendd/action_runner.hpp"

#include "base/process/run_program.hpp"
#include "base/process/spawn.hpp"
#include "base/service/log.hpp"
#include "base/service/sd_notify.hpp"
#include "base/text/rfc3339.hpp"
#include "core/sleep/to_string.hpp"
#include "suspendd/box/clock.hpp"
#include "suspendd/text/others_words.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>
#include <variant>

namespace rouse::suspendd {

namespace policy = core::suspend;

namespace {

/// What a program that failed has said last, for a person.
std::string end_text(const ProgramEnd& end) {
  std::string last = end.output;
  while (!last.empty() && (last.back() == '\n' || last.back() == ' ')) last.pop_back();
  const std::size_t line = last.rfind('\n');
  if (line != std::string::npos) last = last.substr(line + 1);
  std::string text = end.timed_out ? "did not end in time" : exit_text(end.status);
  if (!last.empty()) text += ": " + for_log(last);
  return text;
}

}  // namespace

ActionRunner::ActionRunner(Tools tools, std::string boot_id,
                           std::function<void(policy::Event)> tell)
    : tools_(tools), boot_id_(std::move(boot_id)), tell_(std::move(tell)) {}

void ActionRunner::perform(const policy::Action& action) {
  spdlog::debug("do: {}", to_string(action));
  std::visit([this](const auto& each) { on(each); }, action);
}

void ActionRunner::run(Op op, Task<void> task) {
  std::erase_if(ops_, [](const auto& each) { return each.second.ended(); });
  ops_[op] = tools_.tasks.spawn(std::move(task));
}

void ActionRunner::done(Op op, bool ok, std::string detail) {
  tell_(policy::ActionDone{op, ok, std::move(detail), false});
}

/// @p fine_code: a refusal that is as good as a success.
void ActionRunner::done(Op op, const Result<PowerClient::Answer>& answer,
                        std::string_view fine_code) {
  if (!answer) return done(op, false, answer.error().message());
  const bool is_fine = !fine_code.empty() && answer->code == fine_code;
  const bool lease_gone = !answer->ok && !is_fine && answer->code == "lease_gone";
  tell_(policy::ActionDone{op, answer->ok || is_fine, answer->why, lease_gone});
}

std::string ActionRunner::lease_of(policy::Attempt attempt) const {
  return fmt::format("{}-{}", boot_id_.substr(0, 8), static_cast<std::uint64_t>(attempt));
}

void ActionRunner::on(const policy::Save& save) {
  const Result<void> saved = tools_.state.save(save.memory);
  if (!saved && !save_fails_) {
    spdlog::error("{}; a crash now would make it forget what it is doing", saved.error().message());
  }
  save_fails_ = !saved;
}

void ActionRunner::on(const policy::RequestDrain& ask) {
  std::erase_if(leases_, [](const auto& each) { return each.second.ended(); });
  run(ask.op, drain(ask));
  leases_[ask.attempt] = ops_[ask.op];
}

/// Asks for the lease, and stays for as long as it lasts.
Task<void> ActionRunner::drain(policy::RequestDrain ask) {
  std::string lease = lease_of(ask.attempt);
  Result<PowerClient::Drained> drained =
      co_await tools_.power.drain(std::move(lease), ask.ttl, ask.reason, ask.force);
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return;
  if (!drained) {
    note_proxy(drained.error().message());
    tell_(policy::DrainRefused{ask.op, true, drained.error().message()});
    co_return;
  }
  note_proxy({});
  if (!drained->answer.ok) {
    tell_(policy::DrainRefused{ask.op, false, drained->answer.why});
    co_return;
  }
  tell_(policy::DrainGranted{ask.op, drained->idle});
  const PowerClient::Lease::End end = co_await drained->lease->wait();
  const auto later = co_await asio::this_coro::cancellation_state;
  if (later.cancelled() != asio::cancellation_type::none) co_return;
  spdlog::debug("lease {}: {} ({})", lease_of(ask.attempt), end.why, end.by);
  if (end.cancelled) {
    tell_(policy::DrainCancelled{ask.attempt, end.why.empty() ? end.by : end.why});
  } else {
    tell_(policy::DrainEnded{ask.attempt, end.why.empty() ? end.by : end.why});
  }
}

void ActionRunner::on(const policy::Renew& asked) {
  run(asked.op, renew(asked));
}

Task<void> ActionRunner::renew(policy::Renew asked) {
  std::string lease = lease_of(asked.attempt);
  const Result<PowerClient::Answer> answer =
      co_await tools_.power.commit(std::move(lease), std::string());
  done(asked.op, answer);
}

void ActionRunner::on(const policy::Release& asked) {
  run(asked.op, release(asked));
}

Task<void> ActionRunner::release(policy::Release asked) {
  std::string lease = lease_of(asked.attempt);
  const Result<PowerClient::Answer> answer = co_await tools_.power.release(std::move(lease));
  // If the call has failed, the end of the stream says the same.
  const auto held = leases_.find(asked.attempt);
  if (held != leases_.end()) held->second.cancel(asio::cancellation_type::terminal);
  done(asked.op, answer, "lease_gone");
}

void ActionRunner::on(const policy::Unload& asked) {
  run(asked.op, unload(asked));
}

Task<void> ActionRunner::unload(policy::Unload asked) {
  std::string lease = lease_of(asked.attempt);
  const auto limit = config_->proxy.unload_timeout + core::Duration(5'000);
  const Result<PowerClient::Answer> answer = co_await tools_.power.unload(std::move(lease), limit);
  done(asked.op, answer);
}

void ActionRunner::on(const policy::RunPreflight& asked) {
  run(asked.op, preflight(asked.op));
}

Task<void> ActionRunner::preflight(Op op) {
  policy::PreflightDone answer =
      co_await tools_.preflight.run(op, config_, loop_->memory(), loop_->now(), proxy_);
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return;
  tell_(std::move(answer));
}

void ActionRunner::on(const policy::ArmAlarm& asked) {
  if (!tools_.root.prefix().empty()) return done(asked.op, true, {});  // a tree has no clock
  if (!asked.at) {
    if (alarm_) alarm_->clear();
    return done(asked.op, true, {});
  }
  if (!alarm_) {
    Result<WakeAlarm> opened = WakeAlarm::open();
    if (!opened) return done(asked.op, false, opened.error().message());
    alarm_.emplace(std::move(*opened));
  }
  const Result<void> set = alarm_->set(asked.at->time_since_epoch());
  done(asked.op, static_cast<bool>(set), set ? std::string() : set.error().message());
}

void ActionRunner::on(const policy::Commit& asked) {
  run(asked.op, commit(asked));
}

Task<void> ActionRunner::commit(policy::Commit asked) {
  std::string lease = lease_of(asked.attempt);
  std::string wake = asked.expect_wake ? to_rfc3339(*asked.expect_wake) : std::string();
  const Result<PowerClient::Answer> answer =
      co_await tools_.power.commit(std::move(lease), std::move(wake));
  if (answer && answer->ok) {
    tell_(policy::Committed{asked.op, answer->epoch});
  } else {
    done(asked.op, answer);
  }
}

void ActionRunner::on(const policy::Suspend& asked) {
  run(asked.op, suspend(asked));
}

Task<void> ActionRunner::suspend(policy::Suspend asked) {
  // What is still open at the driver would hold up its suspend.
  co_await tools_.gpu.close();
  const Result<void> called = co_await tools_.logind.suspend();
  done(asked.op, static_cast<bool>(called), called ? std::string() : called.error().message());
}

void ActionRunner::on(const policy::ReleaseDelayLock&) {
  tools_.tasks.spawn(release_delay_lock());
}

Task<void> ActionRunner::release_delay_lock() {
  co_await tools_.gpu.close();
  tools_.lock.release();
}

void ActionRunner::on(const policy::ReportResume& asked) {
  run(asked.op, report_resume(asked));
}

Task<void> ActionRunner::report_resume(policy::ReportResume told) {
  std::string wake(to_string(told.wake));
  const Result<PowerClient::Answer> answer =
      co_await tools_.power.resumed(told.epoch, told.slept, std::move(wake));
  done(told.op, answer, "stale_epoch");
}

void ActionRunner::on(const policy::ProbeGpu& asked) {
  run(asked.op, probe_gpu(asked.op));
}

Task<void> ActionRunner::probe_gpu(Op op) {
  const Result<std::string> seen = co_await tools_.gpu.self_test();
  done(op, static_cast<bool>(seen), seen ? *seen : seen.error().message());
}

void ActionRunner::on(const policy::RecoverGpu& asked) {
  run(asked.op, recover(asked));
}

Task<void> ActionRunner::recover(policy::RecoverGpu asked) {
  if (asked.step == policy::GpuRecovery::RestartEngines) {
    std::string lease =
        fmt::format("{}-recover-{}", boot_id_.substr(0, 8), static_cast<std::uint64_t>(asked.op));
    const Result<PowerClient::Answer> answer =
        co_await tools_.power.restart_engines(std::move(lease), config_->proxy.unload_timeout);
    done(asked.op, answer);
    co_return;
  }
  ProgramRun program;
  program.argv = config_->gpu.recover;
  program.timeout = config_->gpu.recover_timeout;
  const Result<ProgramEnd> end = co_await run_program(tools_.tasks.executor(), std::move(program));
  if (!end) {
    done(asked.op, false, end.error().message());
  } else {
    done(asked.op, end->exit_status() == 0, end_text(*end));
  }
}

void ActionRunner::on(const policy::RunHook& asked) {
  run(asked.op, run_hook(asked));
}

Task<void> ActionRunner::run_hook(policy::RunHook asked) {
  const HooksConfig& hooks = config_->hooks;
  const HookConfig& hook = asked.hook == policy::Hook::PreDrain     ? hooks.pre_drain
                           : asked.hook == policy::Hook::PreSuspend ? hooks.pre_suspend
                           : asked.hook == policy::Hook::PostResume ? hooks.post_resume
                                                                    : hooks.on_blocked;
  ProgramRun program;
  program.argv = hook.argv;
  program.timeout = asked.timeout;
  program.env = {fmt::format("ROUSE_HOOK={}", to_string(asked.hook)),
                 "ROUSE_REASON=" + others_words(asked.reason),
                 fmt::format("ROUSE_SLEPT_MS={}", asked.slept.count()),
                 fmt::format("ROUSE_WAKE={}", to_string(asked.wake))};
  const Result<ProgramEnd> end = co_await run_program(tools_.tasks.executor(), std::move(program));
  if (!end) {
    done(asked.op, false, end.error().message());
  } else {
    done(asked.op, end->exit_status() == 0, end->exit_status() == 0 ? "" : end_text(*end));
  }
}

void ActionRunner::on(const policy::Cancel& cancel) {
  const auto found = ops_.find(cancel.op);
  if (found != ops_.end()) found->second.cancel(asio::cancellation_type::terminal);
}

void ActionRunner::on(const policy::AnswerGate& answer) {
  spdlog::log(answer.allow ? spdlog::level::info : spdlog::level::warn, "gate: {}: {}",
              answer.allow ? "allowed" : "denied", answer.reason);
  loop_->answer(answer);
}

void ActionRunner::on(const policy::Reply& reply) {
  loop_->answer(reply);
}

void ActionRunner::on(const policy::Notify& notice) {
  tools_.notices.tell(notice, loop_->now().realtime);
}

void ActionRunner::on(const policy::StateChanged& entered) {
  spdlog::info("{} -> {}: {}", to_string(entered.from), to_string(entered.to), entered.reason);
  tools_.check_runner.pause(entered.to == policy::State::Suspending);
  // The first thing after a sleep: systemd has waited all the while.
  if (entered.from == policy::State::Suspending) notify_alive();
  notify_status(fmt::format("{}: {}", to_string(entered.to), entered.reason));
}

}  // namespace rouse::suspendd
