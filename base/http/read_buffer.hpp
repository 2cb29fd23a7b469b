#pragma once

#include "base/check.hpp"

#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace rouse {

/// What was read and not yet consumed. Has memory only after reserve() and until release().
class ReadBuffer {
 public:
  [[nodiscard]] char* data() { return memory_.get() + begin_; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] std::string_view view() const { return {memory_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] bool has_memory() const { return memory_ != nullptr; }

  [[nodiscard]] char* room() { return memory_.get() + end_; }
  [[nodiscard]] std::size_t room_size() const { return capacity_ - end_; }

  void commit(std::size_t n) { end_ += n; }
  void consume(std::size_t n) {
    ROUSE_CHECK(n <= size());
    begin_ += n;
    if (begin_ == end_) begin_ = end_ = 0;
  }

  /// Makes room behind what is held: allocates @p initial bytes, moves, or doubles.
  void reserve(std::size_t initial) {
    if (room_size() > 0) return;
    if (begin_ > 0) {
      std::memmove(memory_.get(), data(), size());
      end_ -= begin_;
      begin_ = 0;
      return;
    }
    if (capacity_ == 0 && spare_capacity_ == initial) {
      memory_ = std::move(spare_);
      capacity_ = std::exchange(spare_capacity_, 0);
      return;
    }
    const std::size_t larger = capacity_ == 0 ? initial : 2 * capacity_;
    std::unique_ptr<char[]> memory(new char[larger]);
    if (end_ > 0) std::memcpy(memory.get(), memory_.get(), end_);
    memory_ = std::move(memory);
    capacity_ = larger;
  }

  /// Gives the memory back if nothing is held.
  void release() {
    if (size() > 0 || !has_memory()) return;
    spare_ = std::move(memory_);
    spare_capacity_ = capacity_;
    capacity_ = begin_ = end_ = 0;
  }

 private:
  /// What was given back last, for the next that asks: one reader comes after the other, and to
  /// allocate so much takes long.
  inline static thread_local std::unique_ptr<char[]> spare_;
  inline static thread_local std::size_t spare_capacity_ = 0;

  std::unique_ptr<char[]> memory_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace rouse
