#include "proxy/power/clocks.hpp"
#include "proxy/power/power.hpp"

#include <fmt/format.h>

#include <utility>

namespace rouse {

namespace {

namespace cp = core::power;

std::int64_t ms(core::Duration d) {
  return static_cast<std::int64_t>(d.count());
}

std::string_view kind_of(Phase phase) {
  switch (phase) {
    case Phase::Reading:
      return "upload";
    case Phase::Queued:
    case Phase::Loading:
      return "queued";
    case Phase::Prefill:
    case Phase::Streaming:
      break;
  }
  return "inflight";
}

}  // namespace

void write_busy(JsonWriter& json, const std::vector<cp::Busy>& busy) {
  json.key("busy");
  json.begin_array();
  for (const cp::Busy& each : busy) {
    json.begin_object();
    json.member("kind", each.kind);
    json.member("model", each.model);
    json.member("age_ms", ms(each.age));
    if (each.id != 0) json.member("id", each.id);
    json.end_object();
  }
  json.end_array();
}

std::vector<cp::Busy> Power::busy() const {
  using std::chrono::duration_cast;
  const auto now = Clock::now();
  std::vector<cp::Busy> busy;
  for (const auto& [id, entry] : recorder_.in_flight.entries()) {
    if (!entry->counts()) continue;
    const auto age = duration_cast<core::Duration>(now - entry->began());
    busy.push_back({std::string(kind_of(entry->phase())), entry->model(), age, id});
  }
  for (const auto& [number, work] : works_) {
    if (work->request_ != 0) continue;
    busy.push_back({"management", "", duration_cast<core::Duration>(now - work->began_), 0});
  }
  const core::ScheduleView view = dispatcher_.view();
  for (const core::ModelView& model : view.models) {
    const bool starts = model.state == core::EngineState::Starting;
    if (!starts && model.state != core::EngineState::Stopping) continue;
    busy.push_back(
        {starts ? "starting" : "stopping", model.model, dispatcher_.now() - model.since, 0});
  }
  return busy;
}

std::vector<std::string> Power::resident() const {
  std::vector<std::string> models;
  const core::ScheduleView view = dispatcher_.view();
  for (const core::ModelView& model : view.models) {
    const bool is_gone =
        model.state == core::EngineState::Stopped || model.state == core::EngineState::Failed;
    if (!is_gone) models.push_back(model.model);
  }
  return models;
}

std::string Power::tell_facts(std::string_view json) {
  PowerFacts::Told told = facts_.tell(json);
  if (told.is_news) announce("facts");
  return std::move(told.problem);
}

std::string Power::activity_json() const {
  const cp::Clocks now = power_clocks();
  JsonWriter json;
  json.begin_object();
  json.member("state", to_string(lease_.state()));
  json.member("epoch", lease_.epoch());
  json.member("boot_id", boot_id_);
  json.member("last_activity_ms", ms(lease_.idle(now.mono)));
  write_busy(json, busy());
  json.key("lease");
  if (lease_.lease().empty()) {
    json.null();
  } else {
    json.value(lease_.lease());
  }
  json.end_object();
  return json.take();
}

std::string Power::snapshot_json() const {
  JsonWriter json;
  json.begin_object();
  write_state(json);
  json.end_object();
  return json.take();
}

void Power::write_state(JsonWriter& json) const {
  json.member("state", to_string(lease_.state()));
  json.member("epoch", lease_.epoch());
  json.member("boot_id", boot_id_);
  json.member("since_ms", ms(power_clocks().mono - lease_.since()));
  json.member("reason", why_);
  if (is_suspending() && !expect_wake_.empty()) json.member("expect_wake", expect_wake_);
  facts_.write(json);
}

void Power::write(JsonWriter& json, const EventHub::Sees& sees) const {
  write_state(json);
  json.member("daemon", facts_.was_told() || !lease_.lease().empty());
  json.member("lease", !lease_.lease().empty());
  json.member("last_activity_ms", ms(lease_.idle(power_clocks().mono)));
  std::vector<cp::Busy> shown = busy();
  std::erase_if(shown, [&sees](const cp::Busy& each) {
    return sees && !each.model.empty() && !sees(each.model);
  });
  write_busy(json, shown);
}

std::string Power::frame(std::string_view event) const {
  return fmt::format("event: {}\ndata: {}\n\n", event, snapshot_json());
}

void Power::announce(std::string_view event) {
  if (hub_.has_listeners()) hub_.publish_frame(frame(event));
}

}  // namespace rouse
