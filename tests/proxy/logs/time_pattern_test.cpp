#include "proxy/logs/time_pattern.hpp"

#include "base/service/log.hpp"

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <time.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>

namespace rouse {
namespace {

/// Wednesday, 4 March 2026, 14:06:07.008009010 UTC.
constexpr std::chrono::nanoseconds kThen{1'772'633'167'008'009'010};

class TimePattern : public testing::Test {
 protected:
  TimePattern() : before_(spdlog::default_logger()) {
    ::unsetenv("JOURNAL_STREAM");
    ::setenv("TZ", "CET-1", 1);
    ::tzset();
    set_up_log(context_.get_executor(), LogOptions{"info", "", false},
               [this](std::string_view text) { line_ = text; });
  }
  ~TimePattern() override {
    close_log();
    spdlog::set_default_logger(before_);
    ::unsetenv("TZ");
    ::tzset();
  }

  /// A line of @p when, as the layout of @p name has it.
  std::string line(const std::string& name, std::chrono::nanoseconds when = kThen) {
    change_log("info", time_pattern(name));
    spdlog::default_logger()->log(spdlog::log_clock::time_point(when), spdlog::source_loc{},
                                  spdlog::level::info, "begun");
    return line_;
  }

 private:
  asio::io_context context_{1};
  std::shared_ptr<spdlog::logger> before_;
  std::string line_;
};

TEST_F(TimePattern, IsWhatGoMakesOfTheSameName) {
  struct Row {
    const char* name;
    const char* time;
  };
  for (const Row& row : {
           Row{"ansic", "Wed Mar  4 15:06:07 2026"},
           Row{"unixdate", "Wed Mar  4 15:06:07 CET 2026"},
           Row{"rubydate", "Wed Mar 04 15:06:07 +0100 2026"},
           Row{"rfc822", "04 Mar 26 15:06 CET"},
           Row{"rfc822z", "04 Mar 26 15:06 +0100"},
           Row{"rfc850", "Wednesday, 04-Mar-26 15:06:07 CET"},
           Row{"rfc1123", "Wed, 04 Mar 2026 15:06:07 CET"},
           Row{"rfc1123z", "Wed, 04 Mar 2026 15:06:07 +0100"},
           Row{"rfc3339", "2026-03-04T15:06:07+01:00"},
           Row{"rfc3339nano", "2026-03-04T15:06:07.008009010+01:00"},
           Row{"kitchen", "3:06PM"},
           Row{"stamp", "Mar  4 15:06:07"},
           Row{"stampmilli", "Mar  4 15:06:07.008"},
           Row{"stampmicro", "Mar  4 15:06:07.008009"},
           Row{"stampnano", "Mar  4 15:06:07.008009010"},
       }) {
    EXPECT_EQ(line(row.name), std::string(row.time) + " I begun\n") << row.name;
  }
}

TEST_F(TimePattern, CountsHoursOfTheKitchenFromOneToTwelve) {
  const auto at = [this](int hours) {
    return line("kitchen", kThen + std::chrono::hours(hours - 15));
  };
  EXPECT_EQ(at(0), "12:06AM I begun\n");
  EXPECT_EQ(at(1), "1:06AM I begun\n");
  EXPECT_EQ(at(11), "11:06AM I begun\n");
  EXPECT_EQ(at(12), "12:06PM I begun\n");
}

TEST_F(TimePattern, OfAnotherNameIsNone) {
  for (const char* const name : {"", "rfc339", "RFC3339"}) {
    EXPECT_EQ(time_pattern(name), "") << name;
    EXPECT_EQ(line(name), "15:06:07.008 I begun\n");
  }
}

}  // namespace
}  // namespace rouse
