#pragma once

#include "base/async/task.hpp"
#include "base/posix.hpp"
#include "base/result.hpp"
#include "suspendd/bus/bus.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::suspendd {

/// What logind answers to CanSuspend().
enum class CanSuspend {
  Yes,
  No,            ///< bus policy or polkit says no
  Challenge,     ///< only after a person has given a password
  NotAvailable,  ///< the kernel or sleep.conf has no suspend
  Inhibited,     ///< 257 and newer: as soon as a block lock is let go
};
[[nodiscard]] const char* to_text(CanSuspend can);

/// A lock of systemd-inhibit and its like.
struct Inhibitor {
  std::string what;  ///< colon-separated: "sleep:idle"
  std::string who;
  std::string why;
  std::string mode;  ///< block, block-weak (257 and newer), delay
  std::uint32_t uid = 0;
  std::uint32_t pid = 0;

  /// Whether @p kind is one of what.
  [[nodiscard]] bool has(std::string_view kind) const;
};

struct Session {
  std::string id;
  std::string user;
  std::uint32_t uid = 0;
  std::string seat;
  std::string path;           ///< of its D-Bus object
  std::string session_class;  ///< user, greeter, lock-screen, background, manager …
  std::string type;           ///< tty, x11, wayland, unspecified …
  std::string state;          ///< online, active, closing
  bool remote = false;
  std::string remote_host;
  std::string service;  ///< PAM's: sshd, login, tailscaled …
  std::string tty;      ///< "pts/3", "tty1", or empty
  std::string scope;    ///< "session-5.scope"
  pid_t leader = 0;
  bool idle_hint = false;
  /// CLOCK_MONOTONIC; zero: never set.
  std::chrono::microseconds idle_since{0};

  /// Somebody works there: user, user-early, user-light …, not greeters, managers, background.
  [[nodiscard]] bool is_user() const { return session_class.starts_with("user"); }
};

struct ScheduledShutdown {
  std::string kind;  ///< poweroff, reboot, halt, kexec, dry-…
  std::chrono::system_clock::time_point at;
};

/// PrepareForSleep, or what was found when logind came back after it could not be heard.
struct SleepSignal {
  bool preparing = false;  ///< true: about to sleep; false: awake again, or it did not happen
  /// Read from the property after a gap, not heard: it may repeat what was told before.
  bool recovered = false;
};

/// org.freedesktop.login1's manager, as its man page and the versions 252 to 257 have it.
/// Single thread; the Bus outlives it.
class Logind {
 public:
  explicit Logind(Bus& bus);
  ~Logind();
  Logind(const Logind&) = delete;
  Logind& operator=(const Logind&) = delete;

  Task<Result<CanSuspend>> can_suspend();
  /// SuspendWithFlags(0). Success means accepted, not slept: logind answers before it has done
  /// anything. The Error's code is a BusErrc whose message says what to do.
  Task<Result<void>> suspend();

  Task<Result<std::vector<Inhibitor>>> inhibitors();
  /// All sessions; those that end while being asked are left out. Of sessions that are nobody's
  /// work (is_user()) systemd 256 and newer gives the class only, and it is not asked for more.
  Task<Result<std::vector<Session>>> sessions();

  Task<Result<bool>> preparing_for_sleep();
  /// nullopt: none is scheduled.
  Task<Result<std::optional<ScheduledShutdown>>> scheduled_shutdown();
  /// How long a delay lock may hold up a suspend.
  Task<Result<std::chrono::milliseconds>> inhibit_delay_max();

  /// An inhibitor lock, held as long as the descriptor is open. It is closed on exec.
  Task<Result<UniqueFd>> inhibit(std::string what, std::string who, std::string why,
                                 std::string mode);

  /// Calls @p then with every PrepareForSleep, and after every gap with what the property says.
  /// Several may listen. The callback may not destroy the Logind.
  [[nodiscard]] std::shared_ptr<void> on_sleep(std::function<void(SleepSignal)> then);
  /// Whether logind is on the bus now.
  [[nodiscard]] bool here() const;

  /// Reads what was missed whenever logind comes (also at the start), until cancelled. Without it
  /// on_sleep() tells only what is heard.
  Task<void> run();

  [[nodiscard]] Bus& bus() { return bus_; }

 private:
  struct Listener;

  Task<Result<BusMessage>> ask(std::string member);
  Task<Result<std::vector<Session>>> list();
  Task<Result<bool>> fill(Session& session);
  void tell(SleepSignal signal);

  Bus& bus_;
  std::vector<std::weak_ptr<Listener>> listeners_;
  bool has_list_ex_ = true;  ///< until it says no
  bool look_ = false;        ///< what was missed is to be read
  BusTimer wake_;            ///< cancelled when look_ is set
  BusSubscription sleep_;
  BusSubscription service_;
};

}  // namespace rouse::suspendd
