#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace rouse::test {

/// Whether a test may be left out for want of @p lack. Anywhere, but where CI=true only when
/// ROUSE_MAY_LACK, names with spaces between, has it: what a machine of continuous integration
/// cannot have is written down (.ci/run), and anything else that is left out is a failure.
[[nodiscard]] bool may_lack(std::string_view lack);

/// What is said of it.
[[nodiscard]] std::string lack_text(std::string_view lack, std::string_view why);

}  // namespace rouse::test

/// Ends the function, as GTEST_SKIP() does. LACK names what this machine has not, in one word; WHY
/// is for people.
#define ROUSE_SKIP(lack, why)                                                           \
  do {                                                                                  \
    if (!::rouse::test::may_lack(lack)) {                                               \
      GTEST_FAIL() << "CI leaves nothing out: " << ::rouse::test::lack_text(lack, why); \
    }                                                                                   \
    GTEST_SKIP() << ::rouse::test::lack_text(lack, why);                                \
  } while (false)
