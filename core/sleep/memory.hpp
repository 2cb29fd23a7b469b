#pragma once

#include "core/sleep/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rouse::core::suspend {

/// One try to put the machine to sleep, ours or somebody else's. Never reused, also not by the next
/// run of the daemon: the drain lease is named after it.
enum class Attempt : std::uint64_t {};

/// Why the daemon keeps the machine awake by itself.
enum class BlockCause {
  Failures,   ///< suspending failed too often in a row
  NotReady,   ///< a fatal finding of the preflight, such as wake-on-lan that cannot be armed
  GpuFailed,  ///< does not work after a resume, and nothing helped
  SpuriousWakes,
  HookFailed,  ///< post_resume, with on_fail: abort
  Unproven,    ///< no remote wake was ever seen, and an operator must agree to the first try
};

struct Block {
  BlockCause cause = BlockCause::Failures;
  std::string reason;
  WallTime since{};
};

struct Hold {
  std::string token;
  std::string why;
  std::string by;
  std::optional<Instant> until;        ///< by boottime of this boot; nullopt: until released
  std::optional<WallTime> until_wall;  ///< the same, for after a reboot
  bool bound = false;  ///< lives with the connection of whoever asked: does not outlive the daemon
};

/// How an attempt ended.
struct SleepRecord {
  WallTime at{};      ///< when it began
  Instant woke{};     ///< boottime
  Duration slept{0};  ///< zero: it did not happen
  bool ours = true;
  bool ok = false;     ///< slept, verified in every way there is
  std::string detail;  ///< why it began, or what failed
  WakeReason wake = WakeReason::Unknown;
  std::string source;     ///< the device that woke it
  bool expected = false;  ///< by our own alarm, or by a person
  bool used = false;      ///< a request, an operator or an active check since
  bool judged = false;    ///< whether it was spurious is settled
};

/// An attempt under way.
struct InProgress {
  Attempt attempt{};
  std::optional<std::uint64_t> epoch;  ///< of the commit; set: the proxy may believe us asleep
  bool commit_sent = false;
  bool suspend_sent = false;
  bool ours = true;
  bool hooks_ran = false;  ///< post_resume has something to undo
  Now began{};
  std::string reason;
};

/// The proxy may still believe in a sleep that is over, or did not happen.
struct UnreportedResume {
  Attempt attempt{};
  std::optional<std::uint64_t> epoch;  ///< nullopt: the answer to the commit was lost
  Duration slept{0};
  WakeReason wake = WakeReason::Unknown;
};

/// What must outlive the daemon's crash. A plain value: the shell writes it at each Save, before it
/// does anything that follows, and gives the last one back at the start.
struct Memory {
  std::string boot_id;  ///< instants of another boot mean nothing
  std::uint64_t attempts = 0;
  int failures = 0;  ///< in a row
  std::string last_failure;
  std::optional<Instant> retry_at;  ///< boottime
  std::optional<Block> block;
  std::optional<InProgress> in_progress;
  std::optional<UnreportedResume> unreported_resume;
  std::optional<SleepRecord>
      last_suspend;                ///< the last attempt that reached the kernel, or meant to
  std::vector<SleepRecord> wakes;  ///< the last ones, oldest first, at most kWakesKept
  std::vector<Hold> holds;
  bool agreed = false;  ///< an operator, to suspending without a proof that the machine wakes
  std::optional<WallTime> wake_proof;  ///< when the network last woke this machine
};

inline constexpr std::size_t kWakesKept = 32;

}  // namespace rouse::core::suspend
