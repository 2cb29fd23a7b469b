#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/checks/proc_text.hpp"
#include "suspendd/checks/rate_window.hpp"

#include <boost/system/errc.hpp>
#include <fmt/format.h>

#include <optional>
#include <string_view>

namespace rouse::suspendd {
namespace {

/// Processor time used by the machine or by one cgroup, and the pressure that the kernel itself
/// averages over a minute (Documentation/accounting/psi.rst).
class CpuLook final : public Check {
 public:
  CpuLook(const CpuCheck& settings, CheckContext& context)
      : settings_(settings), context_(context), busy_(settings.over) {
    std::string group = settings.cgroup;
    while (!group.empty() && group.front() == '/') group.erase(0, 1);
    if (group.empty()) {
      usage_file_ = "/proc/stat";
      pressure_file_ = "/proc/pressure/cpu";
      whose_ = "busy";
    } else {
      const std::string folder = "/sys/fs/cgroup/" + group;
      usage_file_ = folder + "/cpu.stat";
      pressure_file_ = folder + "/cpu.pressure";
      whose_ = "used by " + group;
    }
  }

  Task<Finding> look() override { co_return judge(); }

 private:
  Finding judge() {
    const auto now = context_.now();
    const Result<std::string> text = context_.root.read(usage_file_);
    if (!text && is_absent_cgroup(text.error())) {
      return idle("nothing runs in " + settings_.cgroup + ": there is no such cgroup now");
    }
    if (!text) return unknown(text.error().message());
    const auto used =
        settings_.cgroup.empty() ? busy_microseconds(*text) : keyed_number(*text, "usage_usec");
    if (!used) return unknown(usage_file_ + " does not tell how much processor time was used");
    if (!since_) since_ = context_.wall();
    busy_.add(now, *used);
    const std::optional<double> pressure = read_pressure();
    if (pressure && *pressure >= settings_.pressure) {
      return active(fmt::format("work waits for a processor {:.0f}% of the time, at or above {:g}%",
                                *pressure, settings_.pressure));
    }
    const auto rate = busy_.rate();
    if (!rate) return unknown("measuring since " + clock_text(*since_));
    const double cores = rate->per_second / 1e6;
    const bool is_busy = cores >= settings_.cores;
    std::string reason =
        fmt::format("{:.2f} of a core {} over {}, {} {:g}", cores, whose_, age_text(rate->over),
                    is_busy ? "at or above" : "below", settings_.cores);
    return is_busy ? active(std::move(reason)) : idle(std::move(reason));
  }

  /// A service that is stopped has none.
  [[nodiscard]] bool is_absent_cgroup(const Error& error) const {
    return !settings_.cgroup.empty() &&
           error.code == boost::system::errc::no_such_file_or_directory &&
           context_.root.exists("/sys/fs/cgroup/cgroup.controllers");
  }

  /// nullopt where it is not asked, or the kernel keeps no such figures (psi=0).
  [[nodiscard]] std::optional<double> read_pressure() const {
    if (settings_.pressure <= 0) return std::nullopt;
    const Result<std::string> text = context_.root.read(pressure_file_);
    if (!text) return std::nullopt;
    return pressure_avg60(*text);
  }

  CpuCheck settings_;
  CheckContext& context_;
  RateWindow busy_;
  std::optional<std::chrono::system_clock::time_point> since_;
  std::string usage_file_;
  std::string pressure_file_;
  std::string whose_;
};

}  // namespace

CheckPtr make_kind(const CpuCheck& settings, const CheckConfig&, CheckContext& context) {
  return std::make_unique<CpuLook>(settings, context);
}

}  // namespace rouse::suspendd
