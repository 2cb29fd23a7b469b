#pragma once

#include "base/text/json_writer.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// What only the daemon that suspends the box knows, told with `POST /v1/power/facts`, and what was
/// seen of the last sleep. It goes out with every announcement.
class PowerFacts {
 public:
  using Clock = std::chrono::steady_clock;

  struct Mac {
    std::string interface;
    std::string mac;
    std::string ip;
    std::string broadcast;
    std::string wol;  ///< letters as of ethtool: "g"

    auto operator<=>(const Mac&) const = default;
  };
  struct Sleep {
    std::string at;  ///< RFC 3339: when it fell asleep
    std::chrono::milliseconds slept{};
    std::string wake;  ///< wol, rtc, power_button …; empty: not known

    auto operator<=>(const Sleep&) const = default;
  };

  struct Told {
    bool is_news = false;  ///< somebody should hear of it now
    std::string problem;   ///< not empty: what is wrong with the text, of which nothing was taken
  };
  /// Takes the members that @p json has, and leaves the others: sleep_in_ms, blocked, wake.macs,
  /// last_sleep.
  [[nodiscard]] Told tell(std::string_view json);

  void slept(std::chrono::milliseconds slept, std::string wake);
  /// The reason of the sleep that is known already.
  void explain_sleep(std::chrono::milliseconds slept, std::string wake);
  /// Something happened that begins the daemon's countdown anew.
  void stop_countdown() { sleep_at_.reset(); }

  /// A daemon has said something since this program began.
  [[nodiscard]] bool was_told() const { return was_told_; }

  /// sleep_in_ms, blocked, wake, last_sleep: null where it is not known.
  void write(JsonWriter& json) const;

 private:
  bool was_told_ = false;
  std::optional<Clock::time_point> sleep_at_;
  std::string blocked_;
  std::vector<Mac> macs_;
  std::optional<Sleep> last_sleep_;
};

}  // namespace rouse
