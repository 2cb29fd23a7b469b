#pragma once

#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse::test {

/// A message bus of its own (a real dbus-daemon, on a socket in a folder of its own) with a
/// scriptable logind and systemd on it: a program of its own, so that it serves a daemon under test
/// as well as code in the test itself. Give address() as `--bus` or DBUS_SYSTEM_BUS_ADDRESS.
///
/// Every function waits until the fake has done what it says; a fake that does not answer is a test
/// failure. Without dbus-daemon on the machine, usable() is false and there is nothing: skip.
class FakeLogind {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  /// @p version is systemd's: from 256 on there is ListSessionsEx, from 257 on block locks bind
  /// everybody. Not @p with_logind: only systemd, for a real logind on the same bus.
  explicit FakeLogind(int version = 252, bool with_logind = true);
  ~FakeLogind();
  FakeLogind(const FakeLogind&) = delete;
  FakeLogind& operator=(const FakeLogind&) = delete;

  [[nodiscard]] static bool usable();
  /// "unix:path=…"
  [[nodiscard]] const std::string& address() const { return address_; }
  /// Where it is; others may put files there.
  [[nodiscard]] const TempDir& dir() const { return dir_; }

  // What CanSuspend answers, what suspends do from now on.
  void set_can_suspend(std::string_view answer);
  void suspends_wake_after(std::chrono::milliseconds asleep);
  void suspends_hold();  ///< asleep until wake(); the default
  /// Fails after PrepareForSleep(true), with (false) at once and systemd-suspend.service failed.
  void suspends_abort();
  /// Accepted, and then nothing: no signal, no sleep.
  void suspends_never_happen();
  void wake();
  void set_delay_max(std::chrono::milliseconds longest);
  void set_shutdown(std::string_view kind, std::uint64_t realtime_us);

  /// Keys: user, uid, seat, class, type, state, remote, remote-host, service, tty, scope, leader,
  /// idle-hint, idle-since (µs, CLOCK_MONOTONIC). An id that is there is replaced.
  void add_session(std::string_view id, const Fields& fields);
  void end_session(std::string_view id);
  /// Keys: load, file, active, sub, result, status, realtime, monotonic.
  void set_unit(std::string_view name, const Fields& fields);
  /// An inhibitor lock of somebody else.
  void add_lock(std::string_view what, std::string_view who, std::string_view why,
                std::string_view mode, int uid = 1000, int pid = 4242);
  void remove_lock(std::string_view who);

  // What the next calls of a method (or reads of a property of the manager, for fail()) meet.
  // @p times -1: every one.
  void fail(std::string_view method, std::string_view error_name, std::string_view text = "",
            int times = 1);
  void delay(std::string_view method, std::chrono::milliseconds by, int times = 1);
  void hang(std::string_view method, int times = 1);       ///< never answers
  void vanish_on(std::string_view method, int times = 1);  ///< leaves the bus instead

  /// PrepareForSleep without a suspend, as another program's suspend gives.
  void signal_prepare(bool start);
  /// What the property says, without a signal: one that was missed.
  void set_preparing(bool preparing);
  /// PrepareForSleep from a stranger; to the unique name @p to only, if given.
  void forge_prepare(bool start, std::string_view to = {});

  /// The job that StartUnit(suspend.target) began has ended: done, failed, … Others end at once.
  void finish_job(std::string_view result);

  /// Off the bus, and back as a new process would come.
  void leave();
  void join();
  /// The bus itself dies (by pid), and comes back with logind on it.
  void stop_bus();
  void start_bus();

  [[nodiscard]] std::string state();  ///< awake, preparing, asleep
  [[nodiscard]] int sleeps();         ///< how often it has fallen asleep
  /// How the last wait for delay locks ended: none (there were none), released, timeout.
  [[nodiscard]] std::string delay_ended();
  /// "what|who|why|mode|uid|pid"
  [[nodiscard]] std::vector<std::string> locks();
  /// "SuspendWithFlags(t) 0", in order.
  [[nodiscard]] std::vector<std::string> calls();
  void clear_calls();

  [[nodiscard]] bool wait_for_state(std::string_view state);
  [[nodiscard]] bool wait_for_locks(std::size_t count);
  [[nodiscard]] bool wait_for_call(std::string_view call);

 private:
  std::vector<std::string> command(std::initializer_list<std::string_view> words);
  std::vector<std::string> command(const std::vector<std::string>& words);
  void connect();

  TempDir dir_;
  bool with_logind_;
  std::string address_;
  std::unique_ptr<ChildProcess> bus_;
  std::unique_ptr<ChildProcess> logind_;
  int control_ = -1;
};

}  // namespace rouse::test
