#pragma once

#include "base/async/task.hpp"
#include "core/sleep/policy.hpp"
#include "suspendd/box/root.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace rouse::suspendd {

/// Feeds the policy with what happens, one event after the other, and hands on what it decides.
/// Keeps its clock. Single thread; an action may tell of further events, which wait their turn.
class PolicyLoop {
 public:
  using Event = core::suspend::Event;
  using Perform = std::function<void(const core::suspend::Action&)>;

  PolicyLoop(Executor executor, const Root& root, core::suspend::Settings settings,
             core::suspend::Memory memory, std::string boot_id, Perform perform);

  void tell(Event event);
  /// No timer any more: the loop may end.
  void stop();

  [[nodiscard]] core::suspend::View view() const { return policy_.view(now()); }
  [[nodiscard]] const core::suspend::Memory& memory() const { return policy_.memory(); }
  [[nodiscard]] bool is_alarm_due() const { return policy_.is_alarm_due(now()); }
  [[nodiscard]] bool is_quiet() const { return policy_.is_quiet(); }
  [[nodiscard]] core::suspend::Now now() const { return read_now_(); }
  /// Counts the steps: whoever shows something sees by it whether anything is new.
  [[nodiscard]] std::uint64_t steps() const { return steps_; }

  /// Calls @p call after each step, once all that it brought is done.
  void after_each(std::function<void()> call) { after_ = std::move(call); }

  // Commands and gates wait for the policy's answer, which perform() has to hand to answer().
  [[nodiscard]] core::suspend::CommandId next_command();
  /// Tells @p event, which carries @p id, and waits for its Reply.
  Task<core::suspend::Reply> command(core::suspend::CommandId id, Event event);
  [[nodiscard]] core::suspend::GateId next_gate();
  /// Opens the gate @p id and waits for the answer; closes it when the caller is cancelled.
  Task<core::suspend::AnswerGate> gate(core::suspend::GateId id);
  /// Whoever has asked is gone: the wait ends.
  void close_gate(core::suspend::GateId id);
  void answer(const core::suspend::Reply& reply);
  void answer(const core::suspend::AnswerGate& reply);

 private:
  using Clock = std::chrono::steady_clock;
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
  template <class Answer>
  struct Waiting {
    explicit Waiting(const Executor& executor) : bell(executor, Clock::time_point::max()) {}
    Timer bell;
    std::optional<Answer> answer;
  };

  void arm();

  Executor executor_;
  std::function<core::suspend::Now()> read_now_;
  core::suspend::SuspendPolicy policy_;
  Perform perform_;
  std::function<void()> after_;
  std::deque<Event> events_;
  bool stepping_ = false;
  bool stopped_ = false;
  std::uint64_t steps_ = 0;
  Timer timer_;
  std::uint64_t last_id_ = 0;
  std::map<core::suspend::CommandId, std::shared_ptr<Waiting<core::suspend::Reply>>> commands_;
  std::map<core::suspend::GateId, std::shared_ptr<Waiting<core::suspend::AnswerGate>>> gates_;
};

}  // namespace rouse::suspendd
