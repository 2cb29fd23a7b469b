#include "base/service/proc_self.hpp"
#include "core/sleep/to_string.hpp"
#include "suspendd/report/report.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <initializer_list>
#include <map>
#include <sstream>
#include <utility>

namespace rouse::suspendd {

namespace policy = core::suspend;

namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

/// Families of one scrape, made from the report: the daemon keeps no counters beside the policy's.
class Families {
 public:
  void begin(std::string name, std::string help, prometheus::MetricType type) {
    all_.push_back({"rouse_suspendd_" + std::move(name), std::move(help), type, {}});
  }
  void gauge(std::string name, std::string help) {
    begin(std::move(name), std::move(help), prometheus::MetricType::Gauge);
  }
  void counter(std::string name, std::string help) {
    begin(std::move(name), std::move(help), prometheus::MetricType::Counter);
  }
  void add(double value, const Labels& labels = {}) {
    prometheus::ClientMetric metric;
    for (const auto& [name, text] : labels) metric.label.push_back({name, text});
    if (all_.back().type == prometheus::MetricType::Gauge) {
      metric.gauge.value = value;
    } else {
      metric.counter.value = value;
    }
    all_.back().metric.push_back(std::move(metric));
  }
  void add_map(const std::map<std::string, std::uint64_t>& counts, const std::string& label) {
    for (const auto& [key, count] : counts) add(static_cast<double>(count), {{label, key}});
  }
  [[nodiscard]] std::string text() const {
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, all_);
    return out.str();
  }

 private:
  std::vector<prometheus::MetricFamily> all_;
};

double seconds(core::Duration span) {
  return static_cast<double>(span.count()) / 1e3;
}

void add_state(Families& out, const Report& report) {
  const policy::View& view = report.view;
  out.gauge("build_info", "Always 1.");
  out.add(1, {{"version", std::string(ROUSE_VERSION)}});
  out.gauge("state", "1 for the state that it is in.");
  for (const policy::State state :
       {policy::State::Active, policy::State::IdleCountdown, policy::State::Preparing,
        policy::State::Suspending, policy::State::Resumed, policy::State::Blocked}) {
    out.add(view.state == state ? 1 : 0, {{"state", std::string(to_string(state))}});
  }
  out.gauge("idle_seconds", "How long every check has been idle.");
  out.add(seconds(view.idle_for));
  out.gauge("next_suspend_timestamp_seconds", "When it will sleep if nothing happens; 0: never.");
  const double now = seconds(report.now.realtime.time_since_epoch());
  out.add(view.sleep_in ? now + seconds(*view.sleep_in) : 0);
  out.gauge("dry_run", "1: it never sleeps.");
  out.add(view.dry_run ? 1 : 0);
  out.gauge("holds", "Holds of operators and jobs.");
  out.add(static_cast<double>(view.holds.size()));
  if (report.config->proxy.socket.empty()) return;
  out.gauge("proxy_reachable", "1: the proxy answered the last time.");
  out.add(report.proxy_error.empty() ? 1 : 0);
}

void add_checks(Families& out, const Report& report) {
  out.gauge("check_active",
            "1: it keeps the machine awake, by activity or because it cannot tell.");
  for (const policy::CheckView& check : report.view.checks) {
    out.add(check.verdict == policy::Verdict::Idle ? 0 : 1, {{"check", check.name}});
  }
  out.counter("check_seconds_total", "What the looks of the check have taken.");
  for (const CheckRunner::Post& post : report.posts)
    out.add(post.took_total, {{"check", post.name}});
  out.counter("check_looks_total", "Looks of the check.");
  for (const CheckRunner::Post& post : report.posts) {
    out.add(static_cast<double>(post.looks), {{"check", post.name}});
  }
  out.counter("check_errors_total", "Looks that could not tell.");
  for (const CheckRunner::Post& post : report.posts) {
    out.add(static_cast<double>(post.unknowns), {{"check", post.name}});
  }
  out.gauge("inhibitors", "Locks on sleep or idle that somebody holds.");
  double locks = 0;
  for (const Inhibitor& lock : report.inhibitors) {
    if (lock.mode != "delay" && (lock.has("sleep") || lock.has("idle"))) ++locks;
  }
  out.add(locks);
  out.gauge("wol_armed", "1: a magic packet, and nothing else, should wake it by this card.");
  for (const Nic& nic : report.nics) out.add(nic.is_armed() ? 1 : 0, {{"interface", nic.name}});
}

void add_totals(Families& out, const Report& report) {
  const policy::Totals& totals = report.view.totals;
  out.counter("suspends_total", "Attempts to sleep, by how they ended.");
  out.add_map(totals.suspends, "result");
  out.counter("suspend_failures_total", "Attempts that came to nothing by a fault, by step.");
  out.add_map(totals.failures, "step");
  out.counter("resumes_total", "Wakes, by what caused them.");
  out.add_map(totals.resumes, "reason");
  out.counter("spurious_wakes_total", "Wakes that nobody used.");
  out.add_map(totals.spurious, "source");
  out.counter("drain_cancelled_total", "Sleeps given up for a request.");
  out.add(static_cast<double>(totals.drains_cancelled));
  out.counter("gpu_probe_failures_total", "Wakes after which the GPU did not answer.");
  out.add(static_cast<double>(totals.gpu_probe_failures));
  out.counter("asleep_seconds_total", "Time slept, by CLOCK_BOOTTIME - CLOCK_MONOTONIC.");
  out.add(seconds(totals.asleep));
  out.counter("energy_saved_joules_total",
              "An estimate: seconds asleep times (power.idle_watts - power.sleep_watts). 0 where "
              "these are not configured.");
  out.add(saved_joules(report));
}

}  // namespace

std::string metrics_text(const Report& report) {
  Families families;
  add_state(families, report);
  add_checks(families, report);
  add_totals(families, report);
  return families.text() + process_metrics();
}

}  // namespace rouse::suspendd
