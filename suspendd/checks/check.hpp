#pragma once

#include "base/async/task.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace rouse::suspendd {

/// What a sensor tells. Unknown counts as active: a machine that cannot tell stays awake.
enum class Verdict { Active, Idle, Unknown };

struct Finding {
  Verdict verdict = Verdict::Unknown;
  /// For a person, with the value and the threshold: "2 requests are running",
  /// "0.03 of one core busy over 60 s, below 0.25", "cannot read /proc/stat: Permission denied".
  std::string reason;
  /// How long the thing itself has been idle, where the sensor knows more than this one look: a
  /// session's idle time, a file's age. Zero when it does not.
  std::chrono::milliseconds idle_for{0};
};

/// One activity check. Owned by the daemon; single thread; nothing in it may block.
class Check {
 public:
  virtual ~Check() = default;

  /// Looks once. Never called again before it has returned. The caller sets its deadline by a
  /// terminal cancellation, after which look() returns soon, with whatever finding, and holds
  /// nothing that would hinder the next one (a child process is killed and reaped).
  virtual Task<Finding> look() = 0;
};

}  // namespace rouse::suspendd
