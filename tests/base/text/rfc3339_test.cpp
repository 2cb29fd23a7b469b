#include "base/text/rfc3339.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;

constexpr auto kDay = sys_days(std::chrono::year(2026) / 11 / 21);

TEST(Rfc3339, ReadsTimesWithZonesAndFractions) {
  EXPECT_EQ(parse_rfc3339("2026-11-21T05:44:37Z"), kDay + 5h + 44min + 37s);
  EXPECT_EQ(parse_rfc3339("2026-11-21t05:44:37z"), kDay + 5h + 44min + 37s);
  EXPECT_EQ(parse_rfc3339("2026-11-21T05:44:37+01:30"), kDay + 4h + 14min + 37s);
  EXPECT_EQ(parse_rfc3339("2026-11-21T05:44:37-01:30"), kDay + 7h + 14min + 37s);
  EXPECT_EQ(parse_rfc3339("2026-11-21T00:00:00.5Z"), kDay + 500ms);
  EXPECT_EQ(parse_rfc3339("2026-11-21T00:00:00.0629Z"), kDay + 62ms);
  EXPECT_EQ(to_rfc3339(kDay + 5h + 44min + 37s + 999ms), "2026-11-21T05:44:37Z");
}

TEST(Rfc3339, NothingElseIsATime) {
  for (const char* const text :
       {"", "2026-11-21", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-21T24:00:00Z",
        "2026-11-21T00:60:00Z", "2026-11-21T00:00:61Z", "2026-11-21T00:00:00",
        "2026-11-21T00:00:00.Z", "2026-11-21T00:00:00.5", "2026-11-21T00:00:00+24:00",
        "2026-11-21T00:00:00+0100", "2026/11/21T00:00:00Z", "2026-11-21 00:00:00Z",
        "-026-11-21T00:00:00Z", "2026-11-21T00:00:00Zx"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

}  // namespace
}  // namespace rouse
