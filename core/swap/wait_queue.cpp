#include "core/swap/wait_queue.hpp"

namespace rouse::core {

namespace {

std::pair<std::int64_t, Order> turn(const Waiter& waiter) {
  return {-static_cast<std::int64_t>(waiter.priority), waiter.order};
}

}  // namespace

void WaitQueue::push(const Waiter& waiter) {
  by_age_.emplace_hint(by_age_.end(), waiter.order, waiter);
  by_turn_.insert(turn(waiter));
}

void WaitQueue::erase(Order order) {
  const auto it = by_age_.find(order);
  if (it == by_age_.end()) return;
  by_turn_.erase(turn(it->second));
  by_age_.erase(it);
}

const Waiter& WaitQueue::highest() const {
  return by_age_.find(by_turn_.begin()->second)->second;
}

const Waiter& WaitQueue::next(Instant overdue) const {
  return oldest().since <= overdue ? oldest() : highest();
}

std::vector<Waiter> WaitQueue::in_turn(Instant overdue) const {
  std::vector<Waiter> all;
  all.reserve(by_age_.size());
  for (const auto& [order, waiter] : by_age_) {
    if (waiter.since > overdue) break;
    all.push_back(waiter);
  }
  for (const auto& [priority, order] : by_turn_) {
    const Waiter& waiter = by_age_.find(order)->second;
    if (waiter.since > overdue) all.push_back(waiter);
  }
  return all;
}

std::size_t WaitQueue::ahead_of(Order order, Instant overdue) const {
  std::size_t late = 0;
  for (const auto& [other, waiter] : by_age_) {
    if (waiter.since > overdue) break;
    if (other == order) return late;
    ++late;
  }
  std::size_t ahead = late;
  for (const auto& [priority, other] : by_turn_) {
    if (other == order) break;
    const bool is_late = late > 0 && by_age_.find(other)->second.since <= overdue;
    if (!is_late) ++ahead;
  }
  return ahead;
}

}  // namespace rouse::core
