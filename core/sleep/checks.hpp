#pragma once

#include "core/sleep/event.hpp"
#include "core/sleep/settings.hpp"
#include "core/time.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace rouse::core::suspend {

/// What the checks have found, and since when nothing is active. By the monotonic clock.
///
/// A check that has not looked yet, or not for long, cannot tell; and what cannot tell is active.
class CheckBoard {
 public:
  struct Entry {
    CheckSettings settings;
    Verdict verdict = Verdict::Unknown;
    std::string reason = "has not looked yet";
    Instant since{};                ///< when it began to say so
    std::optional<Instant> looked;  ///< nullopt: never, or not since the machine slept
    Instant idle_since{};           ///< while idle
    Instant not_idle{};             ///< when it last was not
    bool alerted = false;
  };

  /// Keeps what is known of the checks that stay.
  void configure(const std::vector<CheckSettings>& checks, Instant now);
  void found(const CheckReported& finding, Instant now);
  /// The machine has slept: nothing that was seen before counts.
  void forget(Instant now);
  /// Looks that are too old become unknown.
  void age(Instant now);
  /// Every check was asked to look: takes in @p findings; a check without one becomes unknown.
  void found_all(const std::vector<CheckReported>& findings, Instant now);

  /// What keeps the machine awake, in words: the first active check, else the first unknown one.
  [[nodiscard]] std::optional<std::string> who_is_not_idle() const;
  [[nodiscard]] bool somebody_is_active() const;
  /// Since when every check has been idle; only if all are.
  [[nodiscard]] Instant idle_since() const;
  /// Says once of each check that has been unknown for @p longest.
  [[nodiscard]] std::vector<std::string> alerts(Duration longest, Instant now);
  /// When age() or alerts() next has something to do.
  [[nodiscard]] Instant next_deadline(Duration longest) const;
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  static void turn(Entry& entry, Verdict verdict, std::string reason, Instant now);

  std::vector<Entry> entries_;
};

}  // namespace rouse::core::suspend
