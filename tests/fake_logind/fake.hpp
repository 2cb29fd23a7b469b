#pragma once

#include <systemd/sd-bus.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace rouse::test::fake_logind {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Unref {
  void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
  void operator()(sd_bus_slot* slot) const { sd_bus_slot_unref(slot); }
};
using BusPtr = std::unique_ptr<sd_bus, Unref>;
using MessagePtr = std::unique_ptr<sd_bus_message, Unref>;
using SlotPtr = std::unique_ptr<sd_bus_slot, Unref>;

struct Inhibitor {
  std::string what, who, why, mode;
  std::uint32_t uid = 0;
  std::uint32_t pid = 0;
  int read_end = -1;  ///< hangs up when every copy of the lock's descriptor is closed; -1: ours

  [[nodiscard]] bool is(const std::string& kind, const std::string& of_mode) const;
};

struct Session {
  std::string id, user, seat, session_class = "user", type = "tty", state = "active";
  std::string remote_host, service, tty, scope;
  std::uint32_t uid = 1000;
  std::uint32_t leader = 0;
  bool remote = false;
  bool idle_hint = false;
  std::uint64_t idle_since = 0;
};

struct Unit {
  std::string load = "loaded", file = "enabled", active = "inactive", sub = "dead";
  std::string result = "success";
  std::int32_t exec_main_status = 0;
  std::uint64_t realtime = 0;
  std::uint64_t monotonic = 0;
};

/// What a suspend does once it is accepted.
enum class Sleep {
  Wakes,   ///< after a time
  Holds,   ///< until it is told to wake
  Aborts,  ///< fails right after the locks: systemd-suspend.service ends with exit-code
  Never,   ///< accepted, and nothing follows: no signal, no sleep
  Real,    ///< writes "mem" to /sys/power/state, as systemd does: for a machine of the test's own
};

/// What is done to the next calls of a method instead of, or before, serving them.
struct Trick {
  enum class Kind { Fail, Delay, Hang, Leave } kind = Kind::Fail;
  std::string name, text;  ///< of the error
  milliseconds delay{0};
  int times = 1;  ///< -1: always
};

/// org.freedesktop.login1 and org.freedesktop.systemd1 as far as rouse-suspendd needs them,
/// scripted over the control socket. Written against the man pages and what systemd 252 answers,
/// not against our client.
class Fake {
 public:
  /// @p is_logind false: systemd1 only, for a real logind.
  Fake(std::string address, bool is_logind) : address_(std::move(address)), is_logind_(is_logind) {}

  /// Onto the bus with both names, as a fresh process would come.
  bool join();
  /// Off the bus; calls in progress are never answered.
  void leave();

  /// One turn: serves the bus, the timers and the locks, then waits for them or for one of
  /// @p descriptors. Those that are readable.
  std::vector<int> turn(const std::vector<int>& descriptors);

  /// One line of the control socket; the answer without its newline.
  std::string control(const std::string& line);

  // Called by the vtables.
  int on_method(sd_bus_message* message, sd_bus_error* error);
  /// Negative: the error to answer with.
  int on_property(const std::string& name, sd_bus_error* error);
  Session* session_at(const std::string& path);
  Unit* unit_at(const std::string& path);

  [[nodiscard]] std::string inhibited(const std::string& mode) const;
  [[nodiscard]] int version() const { return version_; }

  bool preparing = false;
  std::uint64_t delay_max_us = 5'000'000;
  std::string shutdown_kind;
  std::uint64_t shutdown_at = UINT64_MAX;  ///< as logind says when there is none

 private:
  enum class State { Awake, Preparing, Asleep };

  int serve(sd_bus_message* message, sd_bus_error* error);
  int suspend(sd_bus_message* message, sd_bus_error* error);
  int inhibit(sd_bus_message* message, sd_bus_error* error);
  int list_sessions(sd_bus_message* message, bool ex);
  int list_inhibitors(sd_bus_message* message);
  int load_unit(sd_bus_message* message, sd_bus_error* error);
  int start_unit(sd_bus_message* message);
  void finish_job(std::uint32_t job, const std::string& unit, const std::string& result);

  void after(milliseconds delay, std::function<void()> what);
  void drop_released_locks();
  void go_on_if_unlocked();
  void fall_asleep();
  void wake_up(bool slept);
  void tell_prepare(bool start);
  bool install();
  void flush();

  std::string set(const std::vector<std::string>& words);
  std::string add_session(const std::vector<std::string>& words);
  std::string add_unit(const std::vector<std::string>& words);
  std::string trick(const std::vector<std::string>& words);
  std::string report(const std::string& what) const;
  std::string forge(const std::vector<std::string>& words);

  std::string address_;
  bool is_logind_;
  BusPtr bus_;
  SlotPtr ex_slot_;
  int version_ = 252;
  std::string can_suspend_ = "yes";
  State state_ = State::Awake;
  Sleep sleep_ = Sleep::Holds;
  milliseconds sleep_for_{0};
  int sleeps_ = 0;
  std::string last_delay_ = "none";  ///< how the waiting for delay locks ended
  std::uint64_t operation_ = 0;      ///< timers of an older one do nothing
  std::list<Inhibitor> inhibitors_;
  std::map<std::string, Session> sessions_;  ///< by id
  std::map<std::string, Unit> units_;        ///< by name
  std::map<std::string, Trick> tricks_;      ///< by method
  std::vector<MessagePtr> hung_;
  std::vector<std::string> calls_;
  std::multimap<Clock::time_point, std::function<void()>> timers_;
  bool leave_soon_ = false;
  std::uint32_t last_job_ = 0;
  std::uint32_t suspend_job_ = 0;
};

/// Registers the interfaces of @p fake on @p bus; false if libsystemd refuses.
bool add_objects(sd_bus* bus, Fake& fake);
/// The method of 256 and newer.
int add_list_sessions_ex(sd_bus* bus, sd_bus_slot** slot, Fake& fake);

inline constexpr const char* kLogin = "org.freedesktop.login1";
inline constexpr const char* kLoginPath = "/org/freedesktop/login1";
inline constexpr const char* kManager = "org.freedesktop.login1.Manager";
inline constexpr const char* kSessionRoot = "/org/freedesktop/login1/session";
inline constexpr const char* kSystemd = "org.freedesktop.systemd1";
inline constexpr const char* kSystemdPath = "/org/freedesktop/systemd1";
inline constexpr const char* kSystemdManager = "org.freedesktop.systemd1.Manager";
inline constexpr const char* kUnitRoot = "/org/freedesktop/systemd1/unit";

[[nodiscard]] std::string encoded(const char* root, const std::string& name);

/// Words of the control protocol: no spaces, no newlines; %XX for any byte.
[[nodiscard]] std::string escape(const std::string& text);
[[nodiscard]] std::string unescape(const std::string& word);

}  // namespace rouse::test::fake_logind
