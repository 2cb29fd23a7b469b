#include "base/text/json_writer.hpp"
#include "base/text/rfc3339.hpp"
#include "core/sleep/to_string.hpp"
#include "suspendd/box/clock.hpp"
#include "suspendd/report/report.hpp"

#include <string_view>

namespace rouse::suspendd {

namespace policy = core::suspend;

namespace {

template <class T>
void write_ms(JsonWriter& json, std::string_view key, const std::optional<T>& span) {
  json.key(key);
  span ? json.value(static_cast<std::int64_t>(span->count())) : json.null();
}

void write_record(JsonWriter& json, std::string_view key,
                  const std::optional<policy::SleepRecord>& record) {
  json.key(key);
  if (!record) return json.null();
  json.begin_object();
  json.member("at", to_rfc3339(record->at));
  json.member("slept_ms", static_cast<std::int64_t>(record->slept.count()));
  json.member("ok", record->ok);
  json.member("ours", record->ours);
  json.member("detail", record->detail);
  json.member("wake", to_string(record->wake));
  json.member("source", record->source);
  json.end_object();
}

void write_checks(JsonWriter& json, const policy::View& view) {
  json.key("checks");
  json.begin_array();
  for (const policy::CheckView& check : view.checks) {
    json.begin_object();
    json.member("name", check.name);
    json.member("verdict", to_string(check.verdict));
    json.member("reason", check.reason);
    json.member("since_ms", static_cast<std::int64_t>(check.since.count()));
    write_ms(json, "looked_ms", check.looked);
    json.end_object();
  }
  json.end_array();
}

void write_holds(JsonWriter& json, const policy::View& view) {
  json.key("holds");
  json.begin_array();
  for (const policy::HoldView& hold : view.holds) {
    json.begin_object();
    json.member("token", hold.token);
    json.member("why", hold.why);
    json.member("by", hold.by);
    write_ms(json, "left_ms", hold.left);
    json.end_object();
  }
  json.end_array();
}

void write_nics(JsonWriter& json, const std::vector<Nic>& nics) {
  json.key("wol");
  json.begin_array();
  for (const Nic& nic : nics) {
    json.begin_object();
    json.member("if", nic.name);
    json.member("mac", nic.mac);
    json.member("ip", nic.ip);
    json.member("broadcast", nic.broadcast);
    json.member("state", name_of(nic.wol));
    json.member("armed", wol_letters(nic.modes.armed));
    json.member("supported", wol_letters(nic.modes.supported));
    json.member("why", nic.why);
    json.end_object();
  }
  json.end_array();
}

void write_inhibitors(JsonWriter& json, const Report& report) {
  json.key("inhibitors");
  json.begin_array();
  for (const Inhibitor& lock : report.inhibitors) {
    json.begin_object();
    json.member("what", lock.what);
    json.member("who", lock.who);
    json.member("why", lock.why);
    json.member("mode", lock.mode);
    json.member("uid", static_cast<std::uint64_t>(lock.uid));
    json.member("pid", static_cast<std::uint64_t>(lock.pid));
    json.end_object();
  }
  json.end_array();
}

void write_block(JsonWriter& json, const policy::View& view) {
  json.key("blocked");
  if (!view.block) return json.null();
  json.begin_object();
  json.member("cause", to_string(view.block->cause));
  json.member("reason", view.block->reason);
  json.member("since", to_rfc3339(view.block->since));
  json.end_object();
}

}  // namespace

double saved_joules(const Report& report) {
  const double watts = report.config->power.idle_watts - report.config->power.sleep_watts;
  const double seconds = static_cast<double>(report.view.totals.asleep.count()) / 1e3;
  return report.config->power.idle_watts > 0 && watts > 0 ? watts * seconds : 0;
}

std::string status_json(const Report& report) {
  const policy::View& view = report.view;
  JsonWriter json;
  json.begin_object();
  json.member("state", to_string(view.state));
  json.member("in_state_ms", static_cast<std::int64_t>(view.in_state.count()));
  json.member("reason", view.reason);
  json.member("step", view.step);
  json.member("next", view.next);
  write_ms(json, "sleep_in_ms", view.sleep_in);
  json.member("idle_for_ms", static_cast<std::int64_t>(view.idle_for.count()));
  json.member("dry_run", view.dry_run);
  write_block(json, view);
  json.member("failures", view.failures);
  json.member("last_failure", view.last_failure);
  write_ms(json, "retry_in_ms", view.retry_in);
  write_checks(json, view);
  write_holds(json, view);
  json.key("wakeups");
  json.begin_array();
  for (const policy::Wakeup& wakeup : view.wakeups) {
    json.begin_object();
    json.member("at", to_rfc3339(wakeup.at));
    json.member("what", wakeup.what);
    json.end_object();
  }
  json.end_array();
  write_nics(json, report.nics);
  write_inhibitors(json, report);
  write_record(json, "last_suspend", view.last_suspend);
  write_record(json, "last_wake", view.last_wake);
  json.key("wake_proof");
  view.wake_proof ? json.value(to_rfc3339(*view.wake_proof)) : json.null();
  json.member("asleep_ms", static_cast<std::int64_t>(view.totals.asleep.count()));
  json.member("energy_saved_joules_estimate", saved_joules(report));
  json.key("trouble");
  json.begin_array();
  for (const std::string* trouble :
       {&report.proxy_error, &report.bus_trouble, &report.lock_trouble, &report.inhibitors_error}) {
    if (!trouble->empty()) json.value(*trouble);
  }
  json.end_array();
  json.end_object();
  return json.take() + "\n";
}

}  // namespace rouse::suspendd
