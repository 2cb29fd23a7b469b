#include "core/held_bytes.hpp"

namespace rouse::core {

bool HeldBytes::Share::add(std::uint64_t bytes) {
  const bool fits = all_.used_ <= all_.most_ && bytes <= all_.most_ - all_.used_;
  if (fits) set(bytes_ + bytes);
  return fits;
}

void HeldBytes::Share::set(std::uint64_t bytes) {
  all_.used_ -= bytes_;
  all_.used_ += bytes;
  bytes_ = bytes;
}

}  // namespace rouse::core
