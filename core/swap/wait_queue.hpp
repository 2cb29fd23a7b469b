#pragma once

#include "core/swap/scheduler.hpp"
#include "core/time.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace rouse::core {

/// The order of arrival over all models; smaller is older.
enum class Order : std::uint64_t {};

/// One request that waits.
struct Waiter {
  Ticket ticket{};
  Order order{};
  int priority = 0;
  Instant since{};
};

/// Who waits for one model, by age and by turn. Every operation is O(log n), except the last two.
class WaitQueue {
 public:
  void push(const Waiter& waiter);
  void erase(Order order);

  [[nodiscard]] bool empty() const { return by_age_.empty(); }
  [[nodiscard]] std::size_t size() const { return by_age_.size(); }

  /// These need a queue that is not empty.
  [[nodiscard]] const Waiter& oldest() const { return by_age_.begin()->second; }
  [[nodiscard]] const Waiter& highest() const;
  /// The oldest if it came at or before @p overdue, else the highest priority: priority orders
  /// those who can still wait and starves nobody.
  [[nodiscard]] const Waiter& next(Instant overdue) const;

  /// All, in the order in which next() would name them.
  [[nodiscard]] std::vector<Waiter> in_turn(Instant overdue) const;
  /// How many of them come before @p order, which must be in the queue.
  [[nodiscard]] std::size_t ahead_of(Order order, Instant overdue) const;

 private:
  std::map<Order, Waiter> by_age_;
  std::set<std::pair<std::int64_t, Order>> by_turn_;  // the priority negated: highest first
};

}  // namespace rouse::core
