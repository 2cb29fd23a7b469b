#include "core/peer/attempt_table.hpp"

#include <algorithm>
#include <charconv>

namespace rouse::core {

namespace {

constexpr std::size_t kIdMax = 64;

bool is_id_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_';
}

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::optional<Attempt> parse_attempt(std::string_view text) {
  const std::size_t semicolon = text.find(';');
  if (semicolon == std::string_view::npos) return std::nullopt;
  const std::string_view id = without_blanks(text.substr(0, semicolon));
  std::string_view rest = without_blanks(text.substr(semicolon + 1));
  if (id.empty() || id.size() > kIdMax || !std::all_of(id.begin(), id.end(), is_id_char) ||
      !rest.starts_with("n=")) {
    return std::nullopt;
  }
  rest.remove_prefix(2);
  Attempt attempt{std::string(id), 0};
  const char* const last = rest.data() + rest.size();
  const auto [end, error] = std::from_chars(rest.data(), last, attempt.n);
  if (error != std::errc{} || end != last) return std::nullopt;
  return attempt;
}

AttemptTable::Verdict AttemptTable::begin(const Attempt& attempt, std::uint64_t request,
                                          Instant now) {
  Verdict verdict;
  const auto found = entries_.find(attempt.id);
  if (found == entries_.end()) {
    make_room(now);
    entries_.emplace(attempt.id, Entry{attempt.n, request, now});
    verdict.highest = attempt.n;
    return verdict;
  }
  Entry& entry = found->second;
  verdict.highest = std::max(entry.n, attempt.n);
  if (attempt.n < entry.n) {
    verdict.superseded = true;
    return verdict;
  }
  verdict.cancel = entry.running;
  entry = Entry{attempt.n, request, now};
  return verdict;
}

void AttemptTable::end(const std::string& id, std::uint64_t request, Instant now) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.running != request) return;
  found->second.running.reset();
  found->second.touched = now;
}

/// Forgets what has ended long ago; in need, what has ended, the longest ago first; else whatever
/// is oldest.
void AttemptTable::make_room(Instant now) {
  if (entries_.size() < entries_max_) return;
  std::erase_if(entries_, [&](const auto& each) {
    return !each.second.running && now - each.second.touched >= keep_;
  });
  if (entries_.size() < entries_max_) return;
  const auto oldest =
      std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
        const auto rank = [](const Entry& entry) {
          return std::pair(entry.running.has_value(), entry.touched);
        };
        return rank(a.second) < rank(b.second);
      });
  if (oldest != entries_.end()) entries_.erase(oldest);
}

}  // namespace rouse::core
