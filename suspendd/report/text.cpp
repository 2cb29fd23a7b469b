#include "base/text/text_table.hpp"
#include "core/sleep/to_string.hpp"
#include "suspendd/box/clock.hpp"
#include "suspendd/report/report.hpp"

#include <fmt/format.h>

#include <string_view>

namespace rouse::suspendd {

namespace policy = core::suspend;

namespace {

std::string head_line(const policy::View& view) {
  switch (view.state) {
    case policy::State::Active:
      return "awake";
    case policy::State::IdleCountdown:
      return view.sleep_in ? fmt::format("idle, sleeps in {}", span_text(*view.sleep_in)) : "idle";
    case policy::State::Preparing:
      return view.step.empty() ? "about to sleep"
                               : fmt::format("about to sleep (step: {})", view.step);
    case policy::State::Suspending:
      return "going to sleep";
    case policy::State::Resumed:
      return "awake, just resumed";
    case policy::State::Blocked:
      return "awake, and will not sleep: blocked";
  }
  return {};
}

std::string checks_part(const Report& report) {
  std::vector<TableRow> rows;
  // What keeps it awake comes first.
  for (const policy::Verdict verdict :
       {policy::Verdict::Active, policy::Verdict::Unknown, policy::Verdict::Idle}) {
    for (const policy::CheckView& check : report.view.checks) {
      if (check.verdict != verdict) continue;
      const std::string since =
          check.looked ? "for " + span_text(check.since) : std::string("not looked yet");
      rows.push_back({std::string(to_string(check.verdict)), check.name, since, check.reason});
    }
  }
  return "\nchecks (all must be idle)\n" + text_table(rows);
}

std::string holds_part(const policy::View& view) {
  if (view.holds.empty()) return {};
  std::vector<TableRow> rows;
  for (const policy::HoldView& hold : view.holds) {
    rows.push_back({hold.token, hold.by,
                    hold.left ? "for " + span_text(*hold.left) : std::string("until released"),
                    hold.why});
  }
  return "\nholds (rouse-suspendd release TOKEN)\n" + text_table(rows);
}

std::string inhibitors_part(const Report& report) {
  if (!report.inhibitors_error.empty()) {
    return "\ninhibitors\n  not known: " + one_line(report.inhibitors_error) + "\n";
  }
  std::vector<TableRow> rows;
  for (const Inhibitor& lock : report.inhibitors) {
    if (!lock.has("sleep") && !lock.has("idle")) continue;
    rows.push_back(
        {lock.mode, lock.what, fmt::format("{} (pid {})", lock.who, lock.pid), lock.why});
  }
  return rows.empty() ? std::string() : "\ninhibitors\n" + text_table(rows);
}

std::string wol_part(const Report& report) {
  std::vector<TableRow> rows;
  for (const Nic& nic : report.nics) {
    rows.push_back(
        {nic.name, name_of(nic.wol), nic.mac, nic.ip.empty() ? "no address" : nic.ip, nic.why});
  }
  std::string out = "\nwake-on-lan\n";
  if (rows.empty()) return out + "  no wired network card was found\n";
  out += text_table(rows);
  if (report.view.wake_proof) {
    out +=
        fmt::format("  a packet last woke this machine {}\n", local_text(*report.view.wake_proof));
  } else {
    out += "  no packet has woken this machine yet: `rouse-suspendd wake-test` tries it\n";
  }
  return out;
}

std::string sleep_text(const policy::SleepRecord& record) {
  std::string text = local_text(record.at) + ", ";
  if (record.ok) {
    text += fmt::format(
        "slept {}, woken by {}", span_text(record.slept),
        record.source.empty() ? to_string(record.wake) : std::string_view(record.source));
  } else {
    text += "did not sleep: " + (record.detail.empty() ? "reason unknown" : record.detail);
  }
  if (!record.ours) text += " (asked for by somebody else)";
  return text;
}

std::string past_part(const Report& report) {
  const policy::View& view = report.view;
  std::vector<TableRow> rows;
  if (view.last_suspend) rows.push_back({"last suspend", sleep_text(*view.last_suspend)});
  const bool other_wake = view.last_wake && (!view.last_suspend || !view.last_suspend->ok);
  if (other_wake) rows.push_back({"last wake", sleep_text(*view.last_wake)});
  if (view.failures > 0) {
    rows.push_back({"failures in a row", fmt::format("{}: {}", view.failures, view.last_failure)});
  }
  if (view.retry_in) rows.push_back({"tries again in", span_text(*view.retry_in)});
  if (view.totals.asleep.count() > 0) {
    std::string text = span_text(view.totals.asleep);
    const double joules = saved_joules(report);
    if (joules > 0) text += fmt::format(", about {:.2f} kWh saved (an estimate)", joules / 3.6e6);
    rows.push_back({"asleep since start", text});
  }
  for (const policy::Wakeup& wakeup : view.wakeups) {
    rows.push_back({"wakes by itself", local_text(wakeup.at) + " for " + wakeup.what});
  }
  return rows.empty() ? std::string() : "\n" + text_table(rows);
}

std::string trouble_part(const Report& report) {
  std::vector<TableRow> rows;
  if (!report.proxy_error.empty() && !report.config->proxy.socket.empty()) {
    rows.push_back({"proxy", report.proxy_error});
  }
  if (!report.bus_trouble.empty()) rows.push_back({"D-Bus", report.bus_trouble});
  if (!report.lock_trouble.empty()) rows.push_back({"sleep lock", report.lock_trouble});
  return rows.empty() ? std::string() : "\ntrouble\n" + text_table(rows);
}

}  // namespace

std::string status_text(const Report& report) {
  const policy::View& view = report.view;
  return fmt::format("{}{}: {}\n", head_line(view), view.dry_run ? " (dry run)" : "",
                     one_line(view.reason));
}

std::string explain_text(const Report& report) {
  const policy::View& view = report.view;
  std::string out = fmt::format("{}, for {}\n", head_line(view), span_text(view.in_state));
  if (!report.log_only.empty()) out += "  (looks at the tree " + report.log_only + ")\n";
  if (view.dry_run) out += "  dry run: it decides everything, and never sleeps\n";
  // They quote others, as the tables do, which take out what would steer a terminal.
  if (view.block) out += "  blocked:  " + one_line(view.block->reason) + "\n";
  out += "  because:  " + one_line(view.reason) + "\n";
  out += "  next:     " + one_line(view.next) + "\n";
  out += checks_part(report);
  out += holds_part(view);
  out += inhibitors_part(report);
  out += wol_part(report);
  out += past_part(report);
  out += trouble_part(report);
  return out;
}

}  // namespace rouse::suspendd
