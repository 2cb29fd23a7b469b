#include "suspendd/checks/gpu.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace rouse::suspendd {
namespace {

bool holds(const std::vector<int>& set, int pid) {
  return std::find(set.begin(), set.end(), pid) != set.end();
}

bool is_ours(const GpuProcess& process, const std::vector<int>& owned) {
  return holds(owned, process.pid) || std::any_of(process.lineage.begin(), process.lineage.end(),
                                                  [&](int pid) { return holds(owned, pid); });
}

std::string text_of(const GpuProcess& process) {
  return (process.name.empty() ? "a process" : process.name) + " (pid " +
         std::to_string(process.pid) + ")";
}

std::string name_of(const GpuDevice& device) {
  return device.name.empty() ? device.id : device.name + " (" + device.id + ")";
}

/// One GPU's part in the verdict.
class Judge {
 public:
  Judge(const GpuCheck& settings, const std::vector<int>& owned)
      : settings_(settings), owned_(owned) {}

  Finding judge(const GpuDevice& device) const {
    if (device.is_suspended) return idle(name_of(device) + " is powered down");
    if (!device.processes) return judge_use(device);
    std::vector<const GpuProcess*> foreign;
    for (const GpuProcess& process : *device.processes) {
      const bool is_ignored =
          std::find(settings_.ignore_processes.begin(), settings_.ignore_processes.end(),
                    process.name) != settings_.ignore_processes.end();
      const bool is_excused = settings_.foreign_only && is_ours(process, owned_);
      if (!is_ignored && !is_excused) foreign.push_back(&process);
    }
    for (const GpuProcess* process : foreign) {
      if (process->busy_percent && *process->busy_percent >= settings_.util_percent) {
        return active(text_of(*process) + " uses " + name_of(device) + ": " +
                      use_text(*process->busy_percent));
      }
    }
    if (foreign.empty()) return judge_without_foreign(device);
    return judge_foreign(device, *foreign.front());
  }

 private:
  static Finding active(std::string reason) { return {Verdict::Active, std::move(reason), {}}; }
  static Finding idle(std::string reason) { return {Verdict::Idle, std::move(reason), {}}; }
  static Finding unknown(std::string reason) { return {Verdict::Unknown, std::move(reason), {}}; }

  [[nodiscard]] bool is_busy(const GpuDevice& device) const {
    return device.busy_percent.value_or(0) >= settings_.util_percent;
  }
  [[nodiscard]] std::string use_text(int percent) const {
    const std::string limit = std::to_string(settings_.util_percent) + " %";
    return std::to_string(percent) + " % busy" +
           (percent >= settings_.util_percent ? ", at least " : ", below ") + limit;
  }
  [[nodiscard]] static std::string error_text(const GpuDevice& device) {
    return name_of(device) + ": " +
           (device.error.empty() ? std::string("its use is not told") : device.error);
  }

  /// Who uses it cannot be told.
  [[nodiscard]] Finding judge_use(const GpuDevice& device) const {
    if (!device.busy_percent) return unknown(error_text(device));
    std::string reason = name_of(device) + " is " + use_text(*device.busy_percent);
    return is_busy(device) ? active(std::move(reason)) : idle(std::move(reason));
  }

  /// All that is on it, if anything, is ours or ignored.
  [[nodiscard]] Finding judge_without_foreign(const GpuDevice& device) const {
    const bool has_processes = !device.processes->empty();
    if (!has_processes && is_busy(device)) {
      return active(name_of(device) + " is " + use_text(*device.busy_percent) +
                    ", by nobody that can be seen");
    }
    // A GPU that is lost lists nobody either.
    if (!device.busy_percent && !device.error.empty()) {
      return unknown(error_text(device));
    }
    return idle(name_of(device) +
                (has_processes ? " is used by nobody else" : " is used by nobody"));
  }

  /// Others are on it, and none is known to be busy.
  [[nodiscard]] Finding judge_foreign(const GpuDevice& device, const GpuProcess& first) const {
    const bool all_told =
        std::all_of(device.processes->begin(), device.processes->end(),
                    [](const GpuProcess& process) { return process.busy_percent.has_value(); });
    const bool explained =
        all_told &&
        std::any_of(device.processes->begin(), device.processes->end(),
                    [&](const auto& one) { return *one.busy_percent >= settings_.util_percent; });
    if (is_busy(device) && !explained) {
      return active(name_of(device) + " is " + use_text(*device.busy_percent) + ", and " +
                    text_of(first) + " is on it");
    }
    if (!device.busy_percent && !device.error.empty()) return unknown(error_text(device));
    if (!device.busy_percent && !all_told) {
      return active(text_of(first) + " is on " + error_text(device));
    }
    return idle(text_of(first) + " is on " + name_of(device) + " and does nothing");
  }

  const GpuCheck& settings_;
  const std::vector<int>& owned_;
};

class GpuActivity final : public Check {
 public:
  GpuActivity(GpuCheck settings, GpuProbe& probe, OwnedPids owned)
      : settings_(std::move(settings)), probe_(probe), owned_(std::move(owned)) {}

  Task<Finding> look() override {
    const auto reading = co_await probe_.read();
    Finding finding;
    if (reading) {
      const std::vector<int> owned = owned_ ? owned_() : std::vector<int>();
      finding = judge_gpus(*reading, settings_, owned);
    } else {
      finding.reason = reading.error().doing;
    }
    co_return finding;
  }

 private:
  GpuCheck settings_;
  GpuProbe& probe_;
  OwnedPids owned_;
};

}  // namespace

Finding judge_gpus(const GpuReading& reading, const GpuCheck& settings,
                   const std::vector<int>& owned) {
  const Judge judge(settings, owned);
  Finding worst{Verdict::Idle, "there is no GPU", {}};
  if (!reading.error.empty()) worst = {Verdict::Unknown, reading.error, {}};
  const auto weight = [](Verdict verdict) {
    return verdict == Verdict::Active ? 2 : verdict == Verdict::Unknown ? 1 : 0;
  };
  bool is_first = reading.error.empty();
  for (const GpuDevice& device : reading.devices) {
    Finding finding = judge.judge(device);
    if (is_first || weight(finding.verdict) > weight(worst.verdict)) worst = std::move(finding);
    is_first = false;
  }
  return worst;
}

std::unique_ptr<Check> make_gpu_check(GpuCheck settings, GpuProbe& probe, OwnedPids owned) {
  return std::make_unique<GpuActivity>(std::move(settings), probe, std::move(owned));
}

}  // namespace rouse::suspendd
