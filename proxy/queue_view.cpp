#include "proxy/queue_view.hpp"

#include "proxy/wire/json_writer.hpp"
#include "proxy/wire/model_list.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <vector>

namespace rouse {

namespace {

using wire::JsonWriter;

std::string_view state_name(core::EngineState state) {
  switch (state) {
    case core::EngineState::Stopped:
      return "stopped";
    case core::EngineState::Starting:
      return "starting";
    case core::EngineState::Ready:
      return "ready";
    case core::EngineState::Stopping:
      return "stopping";
    case core::EngineState::Failed:
      return "failed";
  }
  return "unknown";
}

bool is_resident(core::EngineState state) {
  return state != core::EngineState::Stopped && state != core::EngineState::Failed;
}

double seconds(core::Duration duration) {
  return static_cast<double>(duration.count()) / 1000.0;
}

wire::ModelEntry entry_of(const ModelConfig& model, bool loaded) {
  wire::ModelEntry entry;
  entry.id = model.id;
  entry.name = model.name;
  entry.description = model.description;
  entry.aliases = model.aliases;
  entry.metadata_json = model.metadata_json;
  entry.in = model.capabilities.in;
  entry.out = model.capabilities.out;
  entry.tools = model.capabilities.tools;
  entry.reranker = model.capabilities.reranker;
  entry.context = model.capabilities.context;
  entry.loaded = loaded;
  return entry;
}

void write_model(JsonWriter& json, const core::ModelView& model, core::Instant now, int pid) {
  json.begin_object();
  json.member("model", model.model);
  json.member("state", state_name(model.state));
  if (model.state != core::EngineState::Stopped) json.member("for_s", seconds(now - model.since));
  json.member("running", model.running);
  json.member("waiting", model.waiting);
  if (pid != 0) json.member("pid", pid);
  if (model.draining) json.member("draining", true);
  if (model.unload_at) json.member("unload_in_s", seconds(*model.unload_at - now));
  if (model.retry_at) json.member("retry_in_s", seconds(*model.retry_at - now));
  if (!model.last_failure.empty()) json.member("last_failure", model.last_failure);
  json.end_object();
}

}  // namespace

std::string models_text(Proxy& proxy) {
  const core::ScheduleView view = proxy.dispatcher.view();
  std::vector<wire::ModelEntry> entries;
  for (const core::ModelView& seen : view.models) {
    const auto found = proxy.config->models.find(seen.model);
    if (found == proxy.config->models.end()) continue;  // removed, and still leaving
    const ModelConfig& model = found->second;
    if (!model.unlisted) entries.push_back(entry_of(model, is_resident(seen.state)));
  }
  return wire::models_json(entries, proxy.config->include_aliases_in_list, std::time(nullptr));
}

std::string model_text(Proxy& proxy, const std::string& name) {
  const ModelConfig* model = proxy.config->find_model(name);
  if (model == nullptr) return {};
  const bool loaded = proxy.dispatcher.engine_state(model->id) != core::EngineState::Stopped;
  wire::ModelEntry entry = entry_of(*model, loaded);
  entry.id = name;
  return wire::model_json(entry, std::time(nullptr));
}

std::string running_text(Proxy& proxy) {
  const core::ScheduleView view = proxy.dispatcher.view();
  JsonWriter json;
  json.begin_object();
  json.key("running");
  json.begin_array();
  for (const core::ModelView& seen : view.models) {
    if (!is_resident(seen.state)) continue;
    const auto found = proxy.config->models.find(seen.model);
    if (found == proxy.config->models.end()) continue;
    const ModelConfig& model = found->second;
    json.begin_object();
    json.member("model", model.id);
    json.member("state", state_name(seen.state));
    json.member("cmd", model.cmd);
    json.member("proxy", model.proxy);
    json.member("ttl", static_cast<std::int64_t>(model.ttl.count()));
    json.member("name", model.name);
    json.member("description", model.description);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

std::string queue_text(Proxy& proxy) {
  const core::ScheduleView view = proxy.dispatcher.view();
  const core::Instant now = proxy.dispatcher.now();
  JsonWriter json;
  json.begin_object();
  json.key("models");
  json.begin_array();
  for (const core::ModelView& model : view.models) {
    write_model(json, model, now, proxy.dispatcher.engine_pid(model.model));
  }
  json.end_array();
  json.key("waiting");
  json.begin_array();
  for (const core::WaitingView& waiting : view.waiting) {
    json.begin_object();
    json.member("request_id", proxy.dispatcher.request_id(waiting.ticket));
    json.member("model", waiting.model);
    json.member("priority", waiting.priority);
    json.member("waiting_s", seconds(now - waiting.since));
    json.member("next", waiting.next);
    json.end_object();
  }
  json.end_array();
  json.key("decisions");
  json.begin_array();
  for (const Decision& decision : proxy.dispatcher.decisions()) {
    json.begin_object();
    json.member("at",
                fmt::format("{:%H:%M:%S}",
                            fmt::localtime(std::chrono::system_clock::to_time_t(decision.at))));
    json.member("text", decision.text);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return json.take();
}

std::string version_text() {
  JsonWriter json;
  json.begin_object();
  json.member("version", ROUSE_VERSION);
  json.end_object();
  return json.take();
}

}  // namespace rouse
