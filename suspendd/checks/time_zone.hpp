#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::suspendd {

/// A time zone of the system's database: how far its local time is from UTC at any moment.
///
/// It reads the compiled file itself (RFC 8536): libc knows one zone per process only, chosen by
/// the environment, which may not be changed under threads that read it, and libstdc++ 12 has no
/// std::chrono time zones. Pure once loaded.
class TimeZone {
 public:
  /// @p name as in "Europe/Berlin", below @p folder.
  [[nodiscard]] static Result<TimeZone> load(const std::string& name,
                                             const std::string& folder = "/usr/share/zoneinfo");
  /// From the bytes of such a file.
  [[nodiscard]] static Result<TimeZone> parse(std::string_view bytes, const std::string& name);

  /// Seconds east of UTC at @p unix_time.
  [[nodiscard]] std::int64_t offset_at(std::int64_t unix_time) const;

 private:
  struct Change {
    std::int64_t at = 0;
    std::int64_t offset = 0;  ///< from then on
  };
  /// When summer time begins or ends in a year: `M3.5.0/2`, `J60`, `59`.
  struct Rule {
    enum class Kind { Month, Julian, Day } kind = Kind::Month;
    int month = 0;
    int week = 0;  ///< 5: the last
    int day = 0;   ///< of the week from Sunday; or of the year
    std::int64_t time = 2 * 3600;
  };
  /// The rule for all times after the last change, a POSIX TZ text.
  struct Footer {
    bool is_there = false;
    bool has_summer = false;
    std::int64_t standard = 0;
    std::int64_t summer = 0;
    Rule begins;
    Rule ends;
  };
  class FooterReader;

  [[nodiscard]] std::int64_t footer_offset(std::int64_t unix_time) const;
  /// Local seconds, from 1970 on, at which @p rule falls in @p year.
  static std::int64_t moment(const Rule& rule, std::int64_t year);

  std::int64_t first_offset_ = 0;  ///< before the first change
  std::vector<Change> changes_;
  Footer footer_;
};

}  // namespace rouse::suspendd
