#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace rouse::core {

/// A set of small numbers below a width fixed at construction. The first 64 need no allocation.
/// Operands of the binary operations must have the same width.
class Bits {
 public:
  Bits() = default;
  explicit Bits(std::size_t width) : rest_(width > 64 ? (width - 1) / 64 : 0, 0) {}

  void set(std::size_t bit) {
    (bit < 64 ? first_ : rest_[bit / 64 - 1]) |= std::uint64_t{1} << (bit % 64);
  }
  [[nodiscard]] bool test(std::size_t bit) const {
    return ((bit < 64 ? first_ : rest_[bit / 64 - 1]) >> (bit % 64) & 1) != 0;
  }
  [[nodiscard]] bool any() const {
    if (first_ != 0) return true;
    for (std::uint64_t word : rest_) {
      if (word != 0) return true;
    }
    return false;
  }

  Bits& operator|=(const Bits& other) {
    first_ |= other.first_;
    for (std::size_t i = 0; i < rest_.size(); ++i) rest_[i] |= other.rest_[i];
    return *this;
  }
  Bits& operator&=(const Bits& other) {
    first_ &= other.first_;
    for (std::size_t i = 0; i < rest_.size(); ++i) rest_[i] &= other.rest_[i];
    return *this;
  }
  friend Bits operator|(Bits a, const Bits& b) { return a |= b; }
  friend Bits operator&(Bits a, const Bits& b) { return a &= b; }
  bool operator==(const Bits&) const = default;
  auto operator<=>(const Bits&) const = default;

  /// Calls @p visit with every number in the set, ascending.
  template <class Visit>
  void for_each(Visit visit) const {
    visit_word(first_, 0, visit);
    for (std::size_t i = 0; i < rest_.size(); ++i) visit_word(rest_[i], (i + 1) * 64, visit);
  }
  /// The same for the numbers in @p a and @p live that are not in @p b, without a temporary.
  template <class Visit>
  static void for_each_only_in(const Bits& a, const Bits& b, const Bits& live, Visit visit) {
    visit_word(a.first_ & live.first_ & ~b.first_, 0, visit);
    for (std::size_t i = 0; i < a.rest_.size(); ++i) {
      visit_word(a.rest_[i] & live.rest_[i] & ~b.rest_[i], (i + 1) * 64, visit);
    }
  }

  [[nodiscard]] std::size_t hash() const {
    std::uint64_t h = first_ * 0x9e3779b97f4a7c15U;
    for (std::uint64_t word : rest_) h = (std::rotl(h, 23) ^ word) * 0x9e3779b97f4a7c15U;
    return static_cast<std::size_t>(h ^ (h >> 32));
  }

 private:
  template <class Visit>
  static void visit_word(std::uint64_t word, std::size_t base, Visit& visit) {
    for (; word != 0; word &= word - 1) {
      visit(base + static_cast<std::size_t>(std::countr_zero(word)));
    }
  }

  std::uint64_t first_ = 0;
  std::vector<std::uint64_t> rest_;
};

struct BitsHash {
  std::size_t operator()(const Bits& bits) const { return bits.hash(); }
};

}  // namespace rouse::core
