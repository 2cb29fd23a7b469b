#include "core/sleep/checks.hpp"

#include "core/swap/describe.hpp"

#include <algorithm>
#include <utility>

namespace rouse::core::suspend {

void CheckBoard::configure(const std::vector<CheckSettings>& checks, Instant now) {
  std::vector<Entry> entries;
  entries.reserve(checks.size());
  for (const CheckSettings& check : checks) {
    const auto known = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
      return entry.settings.name == check.name;
    });
    Entry entry;
    if (known != entries_.end()) entry = std::move(*known);
    if (known == entries_.end()) entry.since = entry.not_idle = now;
    entry.settings = check;
    entries.push_back(std::move(entry));
  }
  entries_ = std::move(entries);
}

void CheckBoard::turn(Entry& entry, Verdict verdict, std::string reason, Instant now) {
  if (entry.verdict != verdict) {
    entry.since = now;
    entry.alerted = false;
  }
  entry.verdict = verdict;
  entry.reason = std::move(reason);
  if (verdict != Verdict::Idle) entry.not_idle = now;
}

void CheckBoard::found(const CheckReported& finding, Instant now) {
  const auto it = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.settings.name == finding.check;
  });
  if (it == entries_.end()) return;
  const bool was_idle = it->verdict == Verdict::Idle;
  // Its own knowledge only ever makes it later: something happened between two looks.
  const Instant last_use =
      finding.idle_for > Duration{0} ? now - finding.idle_for : (was_idle ? it->idle_since : now);
  turn(*it, finding.verdict, finding.reason, now);
  it->looked = now;
  if (it->verdict != Verdict::Idle) return;
  it->idle_since = std::max(was_idle ? it->idle_since : it->not_idle, last_use);
}

void CheckBoard::forget(Instant now) {
  for (Entry& entry : entries_) {
    turn(entry, Verdict::Unknown, "has not looked since the machine woke", now);
    entry.since = now;
    entry.alerted = false;
    entry.looked.reset();
  }
}

void CheckBoard::age(Instant now) {
  for (Entry& entry : entries_) {
    if (!entry.looked || now < after(*entry.looked, entry.settings.stale)) continue;
    if (entry.verdict == Verdict::Unknown) continue;
    turn(entry, Verdict::Unknown, "has not looked for " + core::to_string(now - *entry.looked),
         now);
  }
}

void CheckBoard::found_all(const std::vector<CheckReported>& findings, Instant now) {
  for (Entry& entry : entries_) {
    const auto it = std::find_if(
        findings.begin(), findings.end(),
        [&](const CheckReported& finding) { return finding.check == entry.settings.name; });
    if (it != findings.end()) {
      found(*it, now);
    } else {
      turn(entry, Verdict::Unknown, "did not look again when it was asked to", now);
    }
  }
}

std::optional<std::string> CheckBoard::who_is_not_idle() const {
  for (const Verdict wanted : {Verdict::Active, Verdict::Unknown}) {
    for (const Entry& entry : entries_) {
      if (entry.verdict != wanted) continue;
      const std::string verb = wanted == Verdict::Active ? ": " : " cannot tell: ";
      return entry.settings.name + verb + entry.reason;
    }
  }
  return std::nullopt;
}

bool CheckBoard::somebody_is_active() const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [](const Entry& entry) { return entry.verdict == Verdict::Active; });
}

Instant CheckBoard::idle_since() const {
  Instant since{};
  for (const Entry& entry : entries_) since = std::max(since, entry.idle_since);
  return since;
}

std::vector<std::string> CheckBoard::alerts(Duration longest, Instant now) {
  std::vector<std::string> said;
  for (Entry& entry : entries_) {
    if (entry.verdict != Verdict::Unknown || entry.alerted) continue;
    if (now < after(entry.since, longest)) continue;
    entry.alerted = true;
    said.push_back(entry.settings.name + " has not been able to tell for " +
                   core::to_string(now - entry.since) +
                   " and keeps the machine awake: " + entry.reason);
  }
  return said;
}

Instant CheckBoard::next_deadline(Duration longest) const {
  Instant at = Instant::max();
  for (const Entry& entry : entries_) {
    if (entry.verdict != Verdict::Unknown) {
      if (entry.looked) at = std::min(at, after(*entry.looked, entry.settings.stale));
    } else if (!entry.alerted) {
      at = std::min(at, after(entry.since, longest));
    }
  }
  return at;
}

}  // namespace rouse::core::suspend
