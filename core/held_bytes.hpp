#pragma once

#include <cstdint>

namespace rouse::core {

/// One bound for the bodies of all requests that wait in our memory. Who must read on to know where
/// a request goes may use all of it, and is refused what does not fit; who only reads ahead may do
/// so while there is plenty, and leaves the rest with its sender. Single thread; outlives its
/// shares.
class HeldBytes {
 public:
  explicit HeldBytes(std::uint64_t most) : most_(most) {}
  HeldBytes(const HeldBytes&) = delete;
  HeldBytes& operator=(const HeldBytes&) = delete;

  /// What is held already stays.
  void set_most(std::uint64_t most) { most_ = most; }
  [[nodiscard]] std::uint64_t most() const { return most_; }
  [[nodiscard]] std::uint64_t used() const { return used_; }
  /// Less than half of it is in use.
  [[nodiscard]] bool has_plenty() const { return used_ < most_ / 2; }

  /// What one request holds; given back when it goes.
  class Share {
   public:
    explicit Share(HeldBytes& all) : all_(all) {}
    ~Share() { set(0); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    /// False: they do not fit, and nothing has changed.
    [[nodiscard]] bool add(std::uint64_t bytes);
    /// What it holds now, whether it fits or not: it is there already.
    void set(std::uint64_t bytes);

   private:
    HeldBytes& all_;
    std::uint64_t bytes_ = 0;
  };

 private:
  std::uint64_t most_;
  std::uint64_t used_ = 0;
};

}  // namespace rouse::core
