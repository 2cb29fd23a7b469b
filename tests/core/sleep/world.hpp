#pragma once

#include "core/sleep/lease.hpp"
#include "core/sleep/policy.hpp"
#include "core/sleep/to_string.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rouse::core::suspend::test {

using namespace std::chrono_literals;

/// Two queues of things to come: the world's by CLOCK_BOOTTIME, and the box's by CLOCK_MONOTONIC,
/// which stands still while the box sleeps.
class Timeline {
 public:
  using Task = std::function<void()>;

  void in_world(Duration wait, Task task) { world_.emplace(now_ + wait, std::move(task)); }
  void in_box(Duration wait, Task task) { box_.emplace(mono() + wait, std::move(task)); }
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] Instant mono() const { return now_ - gap(); }
  [[nodiscard]] Duration gap() const { return asleep_ ? gap_ + (now_ - slept_at_) : gap_; }
  [[nodiscard]] bool asleep() const { return asleep_; }
  void fall_asleep() {
    asleep_ = true;
    slept_at_ = now_;
  }
  void wake() {
    gap_ += now_ - slept_at_;
    asleep_ = false;
  }

  void run_until(Instant end) {
    for (;;) {
      const Instant world = world_.empty() ? Instant::max() : world_.begin()->first;
      const Instant box = box_.empty() || asleep_ ? Instant::max() : box_.begin()->first + gap_;
      auto& queue = world <= box ? world_ : box_;
      const Instant next = std::min(world, box);
      if (next > end) break;
      now_ = std::max(now_, next);
      Task task = std::move(queue.begin()->second);
      queue.erase(queue.begin());
      task();
    }
    now_ = std::max(now_, end);
  }

 private:
  Instant now_{1h};
  Duration gap_{0};
  Instant slept_at_{};
  bool asleep_ = false;
  std::multimap<Instant, Task> world_;
  std::multimap<Instant, Task> box_;
};

/// How badly the world behaves; each in percent of the occasions.
struct Faults {
  int hang = 0;            ///< an answer to the daemon that never comes
  int fail = 0;            ///< one that says no
  int suspend_aborts = 0;  ///< the kernel could not freeze
  int suspend_lies = 0;    ///< nothing happens at all, logind says it is over
  int end_lost = 0;        ///< PrepareForSleep(false) gets lost
  int daemon_crash = 0;    ///< per thousand actions
  int proxy_crash = 0;     ///< per thousand steps of the proxy
  int foreign = 0;         ///< a suspend by somebody else instead of waiting
  int busy_check = 0;      ///< a check turns active at a look
  int spurious = 0;        ///< a wake-up that nobody asked for
};

/// What the machine does with one request.
enum class Reception { Lost, Refused, Suspending, Broken, Done };

/// The machine that sleeps: kernel and logind, the proxy (the real lease, a simple shell) and the
/// daemon (the real policy, a simple shell), all of which can fail and die at any point.
class Box {
 public:
  Box(Timeline& time, std::uint64_t seed, Settings settings, Faults faults)
      : time_(time), random_(seed), settings_(std::move(settings)), faults_(faults) {
    for (const CheckSettings& check : settings_.checks) active_[check.name] = false;
    start_proxy();
    start_daemon();
    poll();
  }

  std::function<void(power::State, std::uint64_t)> announced;  ///< to the fronts
  std::function<void()> froze;                                 ///< a sleep begins now
  std::size_t subscribers = 0;
  Faults& faults() { return faults_; }

  // ---- what tests look at
  [[nodiscard]] const SuspendPolicy* daemon() const { return daemon_.get(); }
  [[nodiscard]] const power::Lease* proxy() const { return proxy_.get(); }
  [[nodiscard]] bool doors_open() const { return proxy_ && doors_open_; }
  [[nodiscard]] bool asleep() const { return time_.asleep(); }
  [[nodiscard]] bool on_its_way() const { return logind_.busy; }
  [[nodiscard]] Now clocks() const {
    return {time_.mono(), time_.now(),
            WallTime{std::chrono::hours{24 * 9000}} + (time_.now() - Instant{}) + wall_off_};
  }
  [[nodiscard]] bool roll(int percent) { return draw(0, 99) < percent; }
  int draw(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }
  Duration span(int from, int to) { return Duration{draw(from, to)}; }

  int sleeps = 0, forced_sleeps = 0, crashes = 0, proxy_crashes = 0, aborts = 0, blocks = 0;
  std::optional<int> crash_at;  ///< after so many more actions
  bool cut_off_running = false;

  // ---- the network
  /// A request arrives. @p answer comes once, later.
  void receive(Duration work, std::function<void(Reception)> answer) {
    if (time_.asleep()) return answer(Reception::Lost);
    if (!proxy_ || !doors_open_) return answer(Reception::Refused);
    bool admitted = false;
    step_proxy(power::WorkArrived{"a request"}, &admitted);
    if (!proxy_) return answer(Reception::Broken);
    if (!admitted) return answer(Reception::Suspending);
    served_ = true;
    const int id = next_request_++;
    running_.emplace(id, std::move(answer));
    time_.in_box(work, [this, id] {
      const auto it = running_.find(id);
      if (it == running_.end()) return;  // died with the proxy
      const auto done = std::move(it->second);
      running_.erase(it);
      done(Reception::Done);
      step_proxy(power::WorkEnded{});
    });
  }
  void magic_packet() {
    ++packets;
    if (time_.asleep() && time_.now() - froze_at_ >= kNicGap) wake(WakeReason::Wol, "eth0");
  }
  int packets = 0;
  void acked(std::uint64_t epoch) {
    if (!time_.asleep()) step_proxy(power::SubscriberAcked{epoch});
  }

  // ---- disturbances
  void crash_daemon() {
    if (!daemon_) return;
    ++crashes;
    note("daemon crashes");
    daemon_.reset();
    ++daemon_run_;
    logind_.lock = false;
    hang_up();
    if (const auto gate = std::exchange(logind_.gate, nullptr)) gate(true);
    time_.in_box(span(50, 3000), [this] { start_daemon(); });
  }
  void crash_proxy() {
    if (!proxy_) return;
    ++proxy_crashes;
    logind_.proxy_died = true;
    note("proxy crashes");
    epoch_ = proxy_->epoch() + 5;
    proxy_.reset();
    ++proxy_run_;
    auto cut = std::move(running_);
    running_.clear();
    for (auto& [id, answer] : cut) answer(Reception::Broken);
    if (stream_) {
      stream_.reset();
      tell_daemon(span(0, 20), DrainEnded{stream_attempt_, "the proxy has gone"});
    }
    time_.in_box(span(50, 3000), [this] { start_proxy(); });
  }
  void turn_check(const std::string& name, bool active) { active_[name] = active; }
  void set_wall(Duration by) { wall_off_ += by; }
  void foreign_suspend() {
    if (!logind_.busy && !time_.asleep()) call_logind(std::nullopt);
  }
  void command(const Event& event) { step_daemon(event); }
  /// A restart by systemd: told to go, given its time, then gone.
  void stop_daemon() {
    if (!daemon_ || stopping_) return;
    stopping_ = true;
    note("the daemon is told to go");
    step_daemon(ShutdownWanted{});
    wait_for_the_end(daemon_run_);
  }
  /// Somebody asks at the gate and goes away again.
  void open_stray_gate() {
    const GateId gate{1'000'000 + static_cast<std::uint64_t>(draw(0, 1000))};
    step_daemon(GateOpened{gate});
    time_.in_box(span(0, 10'000), [this, gate] { step_daemon(GateClosed{gate}); });
  }

 private:
  static constexpr Duration kNicGap{200};
  struct Logind {
    bool busy = false;       ///< a suspend is queued or under way
    bool preparing = false;  ///< PreparingForSleep
    bool lock = false;       ///< our delay lock
    bool foreign = false;
    bool proxy_died = false;
    std::uint64_t job = 0;
    std::function<void(bool)> gate;
  };

  /// What happened, for whoever sets SUSPEND_SIM_TRACE.
  void note(std::string_view what) const {
    if (!traces_) return;
    std::fprintf(stderr, "%12lld %.*s\n", static_cast<long long>((time_.now() - Instant{}).count()),
                 static_cast<int>(what.size()), what.data());
  }

  // ---- the proxy's shell
  void start_proxy() {
    if (proxy_) return;
    proxy_ = std::make_unique<power::Lease>(epoch_, power::Clocks{time_.mono(), time_.gap()});
    doors_open_ = true;
    watch_clocks(proxy_run_);
  }
  void watch_clocks(std::uint64_t run) {
    time_.in_box(2s, [this, run] {
      if (run != proxy_run_) return;
      step_proxy(power::Tick{});
      watch_clocks(run);
    });
  }
  void step_proxy(const power::Event& event, bool* admitted = nullptr) {
    if (!proxy_) return;
    if (draw(0, 999) < faults_.proxy_crash) return crash_proxy();
    const auto actions = proxy_->step(event, {time_.mono(), time_.gap()});
    for (const power::Action& action : actions) {
      std::visit([&](const auto& each) { act(each); }, action);
      if (admitted && std::holds_alternative<power::AdmitWork>(action)) *admitted = true;
    }
    if (!proxy_) return;
    if (const Instant due = proxy_->next_deadline(); due != Instant::max()) {
      time_.in_box(std::max(due - time_.mono(), Duration{1}), [this, run = proxy_run_, due] {
        if (run == proxy_run_ && proxy_ && proxy_->next_deadline() <= due) {
          step_proxy(power::Tick{});
        }
      });
    }
  }
  void act(const power::Grant& a) {
    stream_ = a.lease;
    stream_attempt_ = Attempt{std::stoull(a.lease)};
    stream_op_ = asking_;
    idle_ = a.idle;
    answer_ = DrainGranted{};
  }
  void act(const power::StartUnload&) { answer_ = ActionDone{}; }
  void act(const power::Renewed&) { answer_ = ActionDone{}; }
  void act(const power::Released&) { answer_ = ActionDone{}; }
  void act(const power::ResumeAcknowledged&) { answer_ = ActionDone{}; }
  void act(const power::Refuse& a) {
    refusal_ = a.text;
    answer_ = ActionDone{Op{}, a.why == power::Deny::Gone || a.why == power::Deny::Stale, a.text};
  }
  void act(const power::Committed& a) {
    if (const auto op = std::exchange(commit_, std::nullopt)) {
      tell_daemon(span(0, 30), suspend::Committed{*op, a.epoch});
    }
  }
  void act(const power::CommitCancelled& a) {
    if (const auto op = std::exchange(commit_, std::nullopt)) {
      tell_daemon(span(0, 30), ActionDone{*op, false, a.text});
    }
  }
  void act(const power::Cancel& a) {
    if (stream_ != a.lease) return;
    stream_.reset();
    if (a.by == "request") {
      tell_daemon(span(0, 30), DrainCancelled{stream_attempt_, a.text});
    } else {
      tell_daemon(span(0, 30), DrainEnded{stream_attempt_, a.by});
    }
  }
  void act(const power::Announce& a) {
    if (announced) announced(a.state, proxy_->epoch());
  }
  void act(const power::CloseListener&) {
    time_.in_box(span(1, 20), [this, run = proxy_run_] {
      if (run != proxy_run_ || !proxy_ || proxy_->state() != power::State::Suspending) return;
      doors_open_ = false;
      step_proxy(power::ListenerClosed{});
    });
  }
  void act(const power::OpenListener&) { doors_open_ = true; }
  void act(const power::ResumeDetected&) {}
  void act(const power::AdmitWork&) {}
  void act(const power::RefuseWork&) {}
  [[nodiscard]] std::vector<power::Busy> busy() const {
    std::vector<power::Busy> list;
    for (std::size_t n = running_.size(); n > 0; --n)
      list.push_back({"inflight", "m", Duration{0}, 0});
    return list;
  }

  /// The connection of the lease ends.
  void hang_up() {
    if (const auto lost = std::exchange(stream_, std::nullopt)) {
      time_.in_box(span(0, 50), [this, lost] { step_proxy(power::HolderGone{*lost}); });
    }
  }

  // ---- the daemon's shell
  void wait_for_the_end(std::uint64_t run) {
    time_.in_box(50ms, [this, run] {
      if (run != daemon_run_ || !daemon_) return;
      if (!daemon_->is_quiet()) {
        step_daemon(Tick{});
        return wait_for_the_end(run);
      }
      crash_daemon();
    });
  }
  void start_daemon() {
    if (daemon_) return;
    stopping_ = false;
    daemon_ = std::make_unique<SuspendPolicy>(settings_, saved_, "boot");
    logind_.lock = !logind_.preparing;
    step_daemon(Started{logind_.preparing});
  }
  void poll() {
    time_.in_box(5s, [this] {
      for (auto& [name, active] : active_) {
        if (roll(faults_.busy_check)) active = !active;
        if (!roll(faults_.hang)) step_daemon(look(name));
      }
      if (std::exchange(served_, false)) step_daemon(RequestServed{});
      poll();
    });
  }
  CheckReported look(const std::string& name) {
    if (name == "proxy") {
      if (!proxy_) return {name, Verdict::Unknown, "does not answer", {}};
      const bool runs = !running_.empty();
      return {name, runs ? Verdict::Active : Verdict::Idle, "requests", {}};
    }
    return {name, active_[name] ? Verdict::Active : Verdict::Idle, "a load", {}};
  }
  void tell_daemon(Duration wait, Event event) {
    time_.in_box(wait, [this, run = daemon_run_, event = std::move(event)] {
      if (run == daemon_run_) step_daemon(event);
    });
  }
  void step_daemon(const Event& event) {
    if (!daemon_) return;
    const bool was_blocked = daemon_->memory().block.has_value();
    const bool may_leave =
        std::holds_alternative<UnblockWanted>(event) ||
        std::holds_alternative<SuspendWanted>(event) ||
        (daemon_->memory().retry_at && *daemon_->memory().retry_at <= time_.now()) ||
        (std::holds_alternative<ActionDone>(event) && settings_.gpu) ||
        daemon_->memory().wake_proof;
    for (const auto* found = std::get_if<CheckReported>(&event); found != nullptr;
         found = nullptr) {
      verdicts_[found->check] = found->verdict;
    }
    if (const auto* done = std::get_if<PreflightDone>(&event)) {
      for (const CheckReported& found : done->findings) verdicts_[found.check] = found.verdict;
    }
    const std::vector<Action> actions = daemon_->step(event, clocks());
    if (was_blocked && !daemon_->memory().block && !may_leave) {
      ADD_FAILURE() << "a block was left by " << event.index();
    }
    const std::uint64_t run = daemon_run_;
    for (const Action& action : actions) {
      if (faults_.daemon_crash > 0 && draw(0, 999) < faults_.daemon_crash) crash_daemon();
      if (crash_at && --*crash_at < 0) {
        crash_at.reset();
        crash_daemon();
      }
      if (run != daemon_run_) return;
      if (traces_ && !std::holds_alternative<Save>(action)) note(to_string(action));
      std::visit([&](const auto& each) { perform(each); }, action);
    }
    if (!daemon_ || run != daemon_run_) return;
    const auto due = daemon_->next_deadline();
    if (!due) return;
    EXPECT_GT(*due, time_.mono()) << "a deadline that has passed";
    if (due == tick_at_ && tick_run_ == run) return;
    tick_at_ = *due;
    tick_run_ = run;
    time_.in_box(std::max(*due - time_.mono(), Duration{1}), [this, run, at = *due] {
      if (run != daemon_run_ || tick_at_ != at) return;
      tick_at_ = Instant{};
      step_daemon(Tick{});
    });
  }
  /// One call over the socket; @p make turns what the proxy has said into the daemon's event.
  void call(Op op, const power::Event& asked, const std::function<Event()>& make) {
    calls_.insert(op);
    time_.in_box(span(0, 20), [this, op, asked, make, run = daemon_run_] {
      if (run != daemon_run_ || calls_.count(op) == 0) return;  // the caller has hung up
      answer_.reset();
      asking_ = op;
      if (!proxy_) return finish(op, std::nullopt, make);
      step_proxy(asked);
      if (!proxy_ || !answer_) return finish(op, std::nullopt, make);
      finish(op, answer_, make);
    });
  }
  void finish(Op op, std::optional<Event> said, const std::function<Event()>& make) {
    answer_ = std::move(said);
    Event event = make();
    if (roll(faults_.hang)) return;
    tell_daemon(span(0, 20), std::move(event));
    calls_.erase(op);
  }
  Event plain_done(Op op) {
    if (!answer_) return ActionDone{op, false, "the proxy does not answer"};
    const auto* done = std::get_if<ActionDone>(&*answer_);
    return ActionDone{op, done != nullptr && done->ok, done != nullptr ? done->detail : "?"};
  }

  void perform(const Save& a) { saved_ = a.memory; }
  void perform(const RequestDrain& a) {
    const Op op = a.op;
    call(op, power::DrainAsked{lease(a.attempt), a.ttl, a.reason, busy(), a.force},
         [this, op]() -> Event {
           if (!answer_) return DrainRefused{op, true, "connection refused"};
           if (std::holds_alternative<DrainGranted>(*answer_)) return DrainGranted{op, idle_};
           return DrainRefused{op, false, refusal_};
         });
  }
  void perform(const Renew& a) {
    call(a.op, power::CommitAsked{lease(a.attempt), {}, subscribers},
         [this, op = a.op] { return plain_done(op); });
  }
  void perform(const Release& a) {
    call(a.op, power::ReleaseAsked{lease(a.attempt)}, [this, op = a.op] { return plain_done(op); });
  }
  void perform(const Unload& a) {
    call(a.op, power::UnloadAsked{lease(a.attempt)}, [this, op = a.op]() -> Event {
      if (roll(faults_.fail)) return ActionDone{op, false, "an engine does not stop"};
      return plain_done(op);
    });
  }
  void perform(const Commit& a) {
    time_.in_box(span(0, 20), [this, a, run = daemon_run_] {
      if (run != daemon_run_) return;
      answer_.reset();
      commit_ = a.op;
      step_proxy(power::CommitAsked{lease(a.attempt), busy(), subscribers});
      if (proxy_ && !answer_) return;
      commit_.reset();
      tell_daemon(span(0, 20), ActionDone{a.op, false, proxy_ ? refusal_ : "connection refused"});
    });
  }
  void perform(const ReportResume& a) {
    call(a.op, power::ResumeReported{a.epoch, a.slept, ""},
         [this, op = a.op] { return plain_done(op); });
  }
  void perform(const RunPreflight& a) {
    if (roll(faults_.hang)) return;
    time_.in_box(span(20, 500), [this, a, run = daemon_run_] {
      if (run != daemon_run_) return;
      PreflightDone done{a.op, {}, {}};
      for (const auto& [name, active] : active_) done.findings.push_back(look(name));
      if (roll(faults_.fail)) done.problems.emplace_back("not armed");
      step_daemon(done);
    });
  }
  void perform(const ArmAlarm& a) { simple(a.op); }
  void perform(const ProbeGpu& a) { simple(a.op); }
  void perform(const RecoverGpu& a) { simple(a.op); }
  void perform(const RunHook& a) { simple(a.op); }
  void simple(Op op) {
    if (roll(faults_.hang)) return;
    tell_daemon(span(0, 300), ActionDone{op, !roll(faults_.fail), "it failed"});
  }
  void perform(const Suspend& a) {
    expect_may_sleep(a);
    if (logind_.busy || roll(faults_.fail)) {
      return tell_daemon(span(0, 50),
                         ActionDone{a.op, false, "already a sleep operation in progress"});
    }
    call_logind(a.op);
  }
  void perform(const ReleaseDelayLock&) {
    logind_.lock = false;
    if (logind_.preparing) lock_closed(logind_.job);
  }
  void perform(const AnswerGate& a) {
    if (const auto gate = std::exchange(logind_.gate, nullptr)) gate(a.allow);
  }
  void perform(const Cancel& a) {
    calls_.erase(a.op);
    if (stream_ && stream_op_ == a.op) hang_up();
  }
  void perform(const Notify& a) { blocks += a.topic == Topic::Blocked ? 1 : 0; }
  void perform(const Reply&) {}
  void perform(const StateChanged&) {}
  static std::string lease(Attempt attempt) {
    return std::to_string(static_cast<std::uint64_t>(attempt));
  }
  void expect_may_sleep(const Suspend& a) {
    EXPECT_TRUE(daemon_->memory().holds.empty()) << a.reason;
    for (const auto& [name, verdict] : verdicts_) {
      EXPECT_EQ(verdict, Verdict::Idle) << name << " at: " << a.reason;
    }
    EXPECT_TRUE(!proxy_ || proxy_->state() == power::State::Suspending) << a.reason;
  }

  // ---- logind and the kernel
  void call_logind(std::optional<Op> ours) {
    logind_.busy = true;
    logind_.foreign = !ours;
    logind_.proxy_died = false;
    const std::uint64_t job = ++logind_.job;
    if (ours && !roll(faults_.hang)) tell_daemon(span(0, 1000), ActionDone{*ours, true, ""});
    time_.in_box(span(0, 700), [this, job] {
      logind_.preparing = true;
      if (!logind_.lock) return lock_closed(job);
      step_daemon(SleepStarting{});
      time_.in_box(5s, [this, job] { lock_closed(job); });
    });
  }
  void lock_closed(std::uint64_t job) {
    if (job != logind_.job || !logind_.busy || passed_ == job) return;
    passed_ = job;
    if (!settings_.gate || !daemon_) return kernel(job);
    logind_.gate = [this, job](bool allow) {
      if (job != logind_.job || gate_done_ == job) return;
      gate_done_ = job;
      allow ? kernel(job) : sleep_over(job, {false, "", "", WakeReason::Unknown, ""});
    };
    time_.in_box(span(5, 60), [this, job] {
      if (!daemon_ && logind_.gate) return logind_.gate(true);
      step_daemon(GateOpened{GateId{job}});
    });
    // The gate's own time limit.
    time_.in_box(30s, [gate = logind_.gate] { gate(true); });
  }
  void kernel(std::uint64_t job) {
    time_.in_box(span(100, 900), [this, job] {
      if (roll(faults_.suspend_lies)) return sleep_over(job, {false, "", "", {}, ""});
      if (roll(faults_.suspend_aborts)) {
        ++aborts;
        return time_.in_box(span(0, 20'000), [this, job] {
          sleep_over(job, {false, "freeze", "EBUSY", {}, ""});
        });
      }
      ++sleeps;
      if (!running_.empty()) {
        ++forced_sleeps;
        if (!logind_.foreign && !logind_.proxy_died) cut_off_running = true;
      }
      note("the machine sleeps");
      froze_at_ = time_.now();
      if (froze) froze();
      time_.fall_asleep();
      const auto nap = ++nap_;
      if (roll(faults_.spurious)) {
        time_.in_world(span(700, 8'000), [this, nap] {
          if (nap == nap_) wake(WakeReason::Other, "usb1");
        });
      }
      time_.in_world(12h, [this, nap] {
        if (nap == nap_) wake(WakeReason::PowerButton, "button");
      });
    });
  }
  void wake(WakeReason reason, const std::string& source) {
    if (!time_.asleep()) return;
    ++nap_;
    time_.wake();
    note("the machine wakes by " + source);
    const std::uint64_t job = logind_.job;
    time_.in_box(span(30, 400), [this, job, reason, source] {
      sleep_over(job, {true, "", "", reason, source});
    });
  }
  void sleep_over(std::uint64_t job, const Evidence& evidence) {
    if (job != logind_.job || !logind_.busy) return;
    logind_.busy = logind_.preparing = false;
    logind_.gate = nullptr;
    logind_.lock = daemon_ != nullptr;
    if (!roll(faults_.end_lost)) step_daemon(SleepEnded{evidence});
  }

  Timeline& time_;
  std::mt19937_64 random_;
  Settings settings_;
  Faults faults_;
  Duration wall_off_{0};
  const bool traces_ = std::getenv("SUSPEND_SIM_TRACE") != nullptr;

  std::unique_ptr<power::Lease> proxy_;
  std::uint64_t proxy_run_ = 0;
  std::uint64_t epoch_ = 1;
  bool doors_open_ = true;
  bool served_ = false;
  int next_request_ = 0;
  std::map<int, std::function<void(Reception)>> running_;
  std::optional<std::string> stream_;
  Attempt stream_attempt_{};
  Op asking_{};
  Duration idle_{0};
  Op stream_op_{};
  std::optional<Op> commit_;
  std::optional<Event> answer_;
  std::string refusal_;

  std::unique_ptr<SuspendPolicy> daemon_;
  std::uint64_t daemon_run_ = 0;
  bool stopping_ = false;
  Memory saved_;
  std::map<std::string, bool> active_;
  std::map<std::string, Verdict> verdicts_;
  std::set<Op> calls_;
  Instant tick_at_{};
  std::uint64_t tick_run_ = 0;

  Logind logind_;
  std::uint64_t passed_ = 0;
  std::uint64_t gate_done_ = 0;
  std::uint64_t nap_ = 0;
  Instant froze_at_{};
};

}  // namespace rouse::core::suspend::test
