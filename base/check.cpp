#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace rouse {

void check_failed(const char* what, const char* file, int line) noexcept {
  std::fprintf(stderr, "rouse: bug: %s does not hold at %s:%d\n", what, file, line);
  std::abort();
}

}  // namespace rouse
