#include "core/key_budget.hpp"

#include <algorithm>

namespace rouse::core {

namespace {

constexpr Duration kMinute{60'000};
/// More than any answer has, and little enough that a minute's sum cannot overflow.
constexpr std::int64_t kAmountMax = 1'000'000'000'000;

}  // namespace

void SlidingMinute::move_to(Instant now) {
  if (now < last_) {
    const Duration back = last_ - now;
    for (Entry& entry : entries_) entry.at -= back;
  }
  last_ = now;
  while (!entries_.empty() && now - entries_.front().at >= kMinute) {
    sum_ -= entries_.front().amount;
    entries_.pop_front();
  }
}

void SlidingMinute::add(std::int64_t amount, Instant now) {
  move_to(now);
  if (amount <= 0) return;
  amount = std::min(amount, kAmountMax);
  sum_ += amount;
  if (!entries_.empty() && entries_.back().at == now) {
    entries_.back().amount += amount;
  } else {
    entries_.push_back({now, amount});
  }
}

Duration SlidingMinute::until_below(std::int64_t limit, Instant now) {
  move_to(now);
  std::int64_t left = sum_;
  Duration wait{0};
  for (const Entry& entry : entries_) {
    if (left < limit) break;
    left -= entry.amount;
    wait = kMinute - (now - entry.at);
  }
  return wait;
}

std::optional<OverLimit> KeyBudget::begin(Instant now) {
  std::optional<OverLimit> over;
  if (limits_.in_flight > 0 && in_flight_ >= limits_.in_flight) {
    over = OverLimit{KeyLimit::InFlight, Duration{0}};
  }
  const auto look = [&](SlidingMinute& window, std::int64_t limit, KeyLimit which) {
    if (limit <= 0) return;
    const Duration wait = window.until_below(limit, now);
    if (wait > Duration{0} && (!over || wait > over->retry_after)) over = OverLimit{which, wait};
  };
  look(requests_, limits_.requests_per_minute, KeyLimit::Requests);
  look(tokens_, limits_.tokens_per_minute, KeyLimit::Tokens);
  if (over) return over;
  ++in_flight_;
  if (limits_.requests_per_minute > 0) requests_.add(1, now);
  return std::nullopt;
}

void KeyBudget::end() {
  if (in_flight_ > 0) --in_flight_;
}

void KeyBudget::count_tokens(std::int64_t tokens, Instant now) {
  if (limits_.tokens_per_minute > 0) tokens_.add(tokens, now);
}

}  // namespace rouse::core
