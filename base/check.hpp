#pragma once

namespace rouse {

/// Prints @p what with its place and aborts. For our own bugs only; stays on in release builds.
[[noreturn]] void check_failed(const char* what, const char* file, int line) noexcept;

}  // namespace rouse

#define ROUSE_CHECK(condition) \
  ((condition) ? void(0) : ::rouse::check_failed(#condition, __FILE__, __LINE__))
