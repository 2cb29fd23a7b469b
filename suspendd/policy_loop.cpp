#include "suspendd/policy_loop.hpp"

#include "base/async/use_task.hpp"
#include "suspendd/box/clock.hpp"

#include <utility>
#include <vector>

namespace rouse::suspendd {

namespace policy = core::suspend;

PolicyLoop::PolicyLoop(Executor executor, const Root& root, policy::Settings settings,
                       policy::Memory memory, std::string boot_id, Perform perform)
    : executor_(executor),
      read_now_([&root] { return read_now(root); }),
      policy_(std::move(settings), std::move(memory), std::move(boot_id)),
      perform_(std::move(perform)),
      timer_(executor) {}

void PolicyLoop::tell(Event event) {
  if (stopped_) return;
  events_.push_back(std::move(event));
  if (stepping_) return;
  stepping_ = true;
  while (!events_.empty()) {
    const Event next = std::move(events_.front());
    events_.pop_front();
    ++steps_;
    const std::vector<policy::Action> actions = policy_.step(next, now());
    for (const policy::Action& action : actions) perform_(action);
  }
  stepping_ = false;
  arm();
  if (after_) after_();
}

void PolicyLoop::stop() {
  stopped_ = true;
  timer_.cancel();
}

void PolicyLoop::arm() {
  const auto deadline = policy_.next_deadline();
  if (!deadline || stopped_) {
    timer_.expires_at(Clock::time_point::max());  // so that the same deadline is set anew later
    return;
  }
  // Rounded up: a tick that comes a moment too early would change nothing and be repeated.
  const Clock::time_point at(
      std::chrono::ceil<Clock::duration>(deadline->time_since_epoch() + core::Duration(1)));
  if (timer_.expiry() == at && timer_.expiry() > Clock::now()) return;
  timer_.expires_at(at);
  timer_.async_wait([this](const boost::system::error_code& stopped) {
    if (!stopped) tell(policy::Tick());
  });
}

policy::CommandId PolicyLoop::next_command() {
  return static_cast<policy::CommandId>(++last_id_);
}

Task<policy::Reply> PolicyLoop::command(policy::CommandId id, Event event) {
  const auto waiting = std::make_shared<Waiting<policy::Reply>>(executor_);
  commands_[id] = waiting;
  tell(std::move(event));
  if (!waiting->answer) co_await waiting->bell.async_wait(use_task);
  commands_.erase(id);
  policy::Reply reply{id, false, "no answer"};
  if (waiting->answer) reply = *waiting->answer;
  co_return reply;
}

policy::GateId PolicyLoop::next_gate() {
  return static_cast<policy::GateId>(++last_id_);
}

void PolicyLoop::close_gate(policy::GateId id) {
  const auto found = gates_.find(id);
  if (found != gates_.end()) found->second->bell.cancel();
}

Task<policy::AnswerGate> PolicyLoop::gate(policy::GateId id) {
  const auto waiting = std::make_shared<Waiting<policy::AnswerGate>>(executor_);
  gates_[id] = waiting;
  tell(policy::GateOpened{id});
  if (!waiting->answer) co_await waiting->bell.async_wait(use_task);
  gates_.erase(id);
  policy::AnswerGate answer{id, true, "the daemon has ended"};
  if (waiting->answer) {
    answer = *waiting->answer;
  } else {
    tell(policy::GateClosed{id});
  }
  co_return answer;
}

void PolicyLoop::answer(const policy::Reply& reply) {
  const auto found = commands_.find(reply.command);
  if (found == commands_.end()) return;
  found->second->answer = reply;
  found->second->bell.cancel();
}

void PolicyLoop::answer(const policy::AnswerGate& reply) {
  const auto found = gates_.find(reply.gate);
  if (found == gates_.end()) return;
  found->second->answer = reply;
  found->second->bell.cancel();
}

}  // namespace rouse::suspendd
