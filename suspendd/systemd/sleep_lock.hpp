#pragma once

#include "base/async/task.hpp"
#include "base/posix.hpp"
#include "suspendd/systemd/logind.hpp"

#include <chrono>
#include <memory>
#include <string>

namespace rouse::suspendd {

/// Our delay lock on sleep: with it, PrepareForSleep(true) reaches us before the freeze, for any
/// suspend, and the machine waits (InhibitDelayMaxSec at most) until release().
///
/// Taken again after each resume, and after logind or the bus was away. The descriptor is closed on
/// exec, so that no child of ours holds up a suspend. The Logind outlives it.
class SleepLock {
 public:
  /// @p who and @p why as `systemd-inhibit --list` shows them.
  SleepLock(Logind& logind, std::string who, std::string why);
  ~SleepLock();
  SleepLock(const SleepLock&) = delete;
  SleepLock& operator=(const SleepLock&) = delete;

  /// Takes the lock, and again after it was lost or released, until cancelled.
  Task<void> keep();
  /// Lets the suspend go on. Taken again when PrepareForSleep(false) comes.
  void release();

  [[nodiscard]] bool held() const;
  /// Why it is not held although it should be; empty otherwise.
  [[nodiscard]] const std::string& trouble() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rouse::suspendd
