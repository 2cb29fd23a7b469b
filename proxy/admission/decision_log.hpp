#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>

namespace rouse {

/// What was decided, when, and why.
struct Decision {
  std::chrono::system_clock::time_point at;
  std::string text;
  std::string subject;  ///< the model or the peer
  std::string also;     ///< another model that it is about; empty: none
};

/// The last decisions of one shell, oldest first.
class DecisionLog {
 public:
  static constexpr std::size_t kKept = 200;

  void add(std::string text, std::string subject, std::string also = {}) {
    decisions_.push_back(
        {std::chrono::system_clock::now(), std::move(text), std::move(subject), std::move(also)});
    if (decisions_.size() > kKept) decisions_.pop_front();
  }
  [[nodiscard]] const std::deque<Decision>& all() const { return decisions_; }

 private:
  std::deque<Decision> decisions_;
};

}  // namespace rouse
