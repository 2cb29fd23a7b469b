#include "suspendd/checks/time_zone.hpp"
#include "tests/support/skip.hpp"
#include "tests/suspendd/checks/check_fixture.hpp"

#include <ctime>
#include <random>

namespace rouse::suspendd {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr const char* kFolder = "/usr/share/zoneinfo";

/// What libc says, which knows one zone at a time.
class LibcZone {
 public:
  explicit LibcZone(const std::string& name) {
    const char* const before = std::getenv("TZ");
    if (before != nullptr) before_ = before;
    ::setenv("TZ", (":" + name).c_str(), 1);
    ::tzset();
  }
  ~LibcZone() {
    if (before_) {
      ::setenv("TZ", before_->c_str(), 1);
    } else {
      ::unsetenv("TZ");
    }
    ::tzset();
  }
  LibcZone(const LibcZone&) = delete;
  LibcZone& operator=(const LibcZone&) = delete;

  static std::int64_t offset_at(std::time_t at) {
    std::tm local{};
    ::localtime_r(&at, &local);
    return local.tm_gmtoff;
  }

 private:
  std::optional<std::string> before_;
};

/// Northern, southern, negative summer time, half hours, hours beyond a day, none at all.
TEST(TimeZone, AgreesWithLibc) {
  if (!std::filesystem::exists(std::string(kFolder) + "/Europe/Berlin")) {
    ROUSE_SKIP("tzdata", "there is no time zone database");
  }
  for (const char* name :
       {"Europe/Berlin", "America/New_York", "Europe/Dublin", "Asia/Kolkata", "Australia/Lord_Howe",
        "America/Nuuk", "Asia/Jerusalem", "Asia/Gaza", "America/Santiago", "Africa/Casablanca",
        "UTC", "Pacific/Chatham", "Antarctica/Troll", "Asia/Tokyo"}) {
    const auto zone = TimeZone::load(name);
    ASSERT_TRUE(zone) << zone.error().message();
    const LibcZone libc(name);
    for (std::time_t at = 1'600'000'000; at < 4'500'000'000; at += 3 * 86400 + 3571) {
      ASSERT_EQ(zone->offset_at(at), LibcZone::offset_at(at)) << name << " at " << at;
    }
  }
}

TEST(TimeZone, ChangesAtTheVerySecond) {
  const auto zone = TimeZone::load("Europe/Berlin");
  if (!zone) ROUSE_SKIP("tzdata", zone.error().message());
  // 2026-03-29 01:00 UTC and 2026-10-25 01:00 UTC; and 2061, beyond every table.
  for (const std::int64_t spring : {1774746000LL, 2879110800LL}) {
    EXPECT_EQ(zone->offset_at(spring - 1), 3600) << spring;
    EXPECT_EQ(zone->offset_at(spring), 7200) << spring;
  }
  EXPECT_EQ(zone->offset_at(1792890000 - 1), 7200);
  EXPECT_EQ(zone->offset_at(1792890000), 3600);
}

TEST(TimeZone, RefusesWhatIsNoZone) {
  EXPECT_THAT(TimeZone::load("Europe/Nowhere").error().message(),
              HasSubstr("there is no time zone \"Europe/Nowhere\""));
  for (const char* name : {"", "/etc/passwd", "../../../etc/passwd"}) {
    EXPECT_FALSE(TimeZone::load(name)) << name;
  }
  EXPECT_FALSE(TimeZone::parse("", "x"));
  EXPECT_FALSE(TimeZone::parse("TZif2", "x"));
}

TEST(TimeZone, SurvivesAnyBytes) {
  const auto whole = Root(kFolder).read("/Europe/Berlin");
  if (!whole) ROUSE_SKIP("tzdata", whole.error().message());
  std::mt19937 random(11);
  int taken = 0;
  int refused = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = whole->substr(0, round % 2 == 0 ? whole->size() : random() % whole->size());
    for (int i = 0; i < 4 && !bytes.empty(); ++i) {
      bytes[random() % (i < 2 ? std::min<std::size_t>(bytes.size(), 64) : bytes.size())] =
          static_cast<char>(random());
    }
    const auto zone = TimeZone::parse(bytes, "x");
    if (zone) static_cast<void>(zone->offset_at(4'000'000'000));
    ++(zone ? taken : refused);
  }
  EXPECT_GT(taken, 0) << "what is broken goes deeper than the head";
  EXPECT_GT(refused, 0);
}

class WindowCheckTest : public CheckFixture {
 protected:
  using Span = WindowCheck::Span;
  /// @p at as "2026-03-02 09:30" UTC.
  Finding at(const char* utc, const Span& span, const std::string& zone = "UTC") {
    std::tm time{};
    EXPECT_NE(::strptime(utc, "%Y-%m-%d %H:%M", &time), nullptr);
    wall_ = std::chrono::system_clock::from_time_t(::timegm(&time));
    WindowCheck settings;
    settings.spans = {span};
    settings.time_zone = zone;
    return look(make(settings));
  }
  static constexpr std::uint8_t kWorkdays = 0x1F;
};

TEST_F(WindowCheckTest, HoldsFromItsBeginningToItsEnd) {
  const Span span{kWorkdays, 8 * 60, 18 * 60};
  EXPECT_THAT(at("2026-03-02 08:00", span), IsActive("it is Mon 08:00 in UTC, within 08:00-18:00"));
  EXPECT_EQ(at("2026-03-02 17:59", span).verdict, Verdict::Active);
  EXPECT_THAT(at("2026-03-02 18:00", span), IsIdle("it is Mon 18:00 in UTC, outside of its times"));
  EXPECT_EQ(at("2026-03-02 07:59", span).verdict, Verdict::Idle);
  EXPECT_EQ(at("2026-03-07 12:00", span).verdict, Verdict::Idle) << "a Saturday";
}

TEST_F(WindowCheckTest, PastMidnightItBelongsToTheDayBefore) {
  const Span friday{1 << 4, 22 * 60, 6 * 60};
  EXPECT_EQ(at("2026-03-06 21:59", friday).verdict, Verdict::Idle);
  EXPECT_EQ(at("2026-03-06 22:00", friday).verdict, Verdict::Active);
  EXPECT_EQ(at("2026-03-07 05:59", friday).verdict, Verdict::Active);
  EXPECT_EQ(at("2026-03-07 06:00", friday).verdict, Verdict::Idle);
  EXPECT_EQ(at("2026-03-06 05:00", friday).verdict, Verdict::Idle) << "Thursday's night";
  const Span sunday{1 << 6, 22 * 60, 6 * 60};
  EXPECT_EQ(at("2026-03-09 03:00", sunday).verdict, Verdict::Active) << "into Monday";
}

TEST_F(WindowCheckTest, WithoutALengthItNeverHolds) {
  const Span span{kWorkdays, 8 * 60, 8 * 60};
  for (const char* const time : {"2026-03-02 07:59", "2026-03-02 08:00", "2026-03-02 08:01"}) {
    EXPECT_EQ(at(time, span).verdict, Verdict::Idle) << time;
  }
}

TEST_F(WindowCheckTest, WholeDays) {
  const Span saturday{1 << 5, 0, 24 * 60};
  EXPECT_EQ(at("2026-03-07 00:00", saturday).verdict, Verdict::Active);
  EXPECT_EQ(at("2026-03-07 23:59", saturday).verdict, Verdict::Active);
  EXPECT_EQ(at("2026-03-08 00:00", saturday).verdict, Verdict::Idle);
}

TEST_F(WindowCheckTest, GoesByTheClocksOfItsZone) {
  if (!TimeZone::load("Europe/Berlin")) ROUSE_SKIP("tzdata", "there is no time zone database");
  const Span span{0x7F, 8 * 60, 9 * 60};
  EXPECT_THAT(at("2026-03-28 07:30", span, "Europe/Berlin"),
              IsActive(HasSubstr("Sat 08:30 in Europe/Berlin")));
  EXPECT_EQ(at("2026-03-29 07:30", span, "Europe/Berlin").verdict, Verdict::Idle);
  EXPECT_EQ(at("2026-03-29 06:30", span, "Europe/Berlin").verdict, Verdict::Active);
  EXPECT_THAT(at("2026-03-28 23:30", Span{1 << 6, 0, 60}, "Pacific/Kiritimati"),
              IsIdle(HasSubstr("Sun 13:30")));
}

TEST_F(WindowCheckTest, WithoutAZoneItGoesByTheMachines) {
  const LibcZone libc("Asia/Tokyo");
  EXPECT_EQ(at("2026-03-02 00:30", Span{1, 9 * 60, 10 * 60}, "").verdict, Verdict::Active);
}

TEST_F(WindowCheckTest, AZoneThatIsNotThereIsUnknown) {
  EXPECT_THAT(at("2026-03-02 00:30", Span(), "Mars/Base"),
              IsUnknown(HasSubstr("there is no time zone \"Mars/Base\"")));
}

}  // namespace
}  // namespace rouse::suspendd
