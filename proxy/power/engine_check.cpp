#include "proxy/power/engine_check.hpp"

#include "base/text/json_writer.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <string>

namespace rouse {

namespace {

constexpr auto kLimit = std::chrono::seconds(60);
constexpr int kNotImplemented = 501;

/// What is wrong with the engine; empty: it lives. Only a failure inside it counts: many engines
/// have no such route, and say so.
Task<std::string> ask_for_a_token(HttpPool& pool, Endpoint endpoint, std::string name) {
  auto lease = co_await pool.connect(endpoint, kLimit, true);
  if (!lease) co_return lease.error().message();
  HttpStream& stream = *lease->stream;
  stream.expires_after(kLimit);
  JsonWriter json;
  json.begin_object();
  json.member("model", name);
  json.member("prompt", "1");
  json.member("max_tokens", 1);
  json.member("stream", false);
  json.end_object();
  const std::string body = json.take();
  RequestHead head;
  head.method = "POST";
  head.target = endpoint.base_path + "/v1/completions";
  head.keep_alive = false;
  head.framing = Framing::Length;
  head.content_length = body.size();
  head.fields.add("host", endpoint.host_field());
  head.fields.add("user-agent", "rouse");
  head.fields.add("content-type", "application/json");
  const Result<void> sent = co_await stream.write_request(head, body, false);
  if (!sent) co_return sent.error().message();
  const Result<ResponseHead> answer = co_await stream.read_response(false);
  if (!answer) co_return answer.error().message();
  if (answer->status >= 500 && answer->status != kNotImplemented) {
    co_return fmt::format("it answered {}", answer->status);
  }
  co_return std::string();
}

Task<void> check_engine(std::shared_ptr<const Config> config, Dispatcher& dispatcher,
                        HttpPool& pool, std::string id) {
  const ModelConfig* const model = config->find_exact(id);
  if (model == nullptr) co_return;
  const int pid = dispatcher.engine_pid(id);
  Endpoint endpoint = dispatcher.as_started(*model).endpoint;
  std::string name = model->name_there();
  const std::string fault = co_await ask_for_a_token(pool, std::move(endpoint), std::move(name));
  if (fault.empty()) {
    spdlog::info("{} lived through the sleep", id);
    co_return;
  }
  // It may have been replaced meanwhile.
  if (dispatcher.engine_pid(id) != pid) co_return;
  spdlog::warn("{} did not live through the sleep ({}): it is started anew", id, fault);
  dispatcher.unload({id, "the look at it after the sleep"});
  dispatcher.load(id, "it did not live through the sleep: " + fault);
}

}  // namespace

void check_engines(const std::shared_ptr<const Config>& config, Dispatcher& dispatcher,
                   HttpPool& pool, TaskGroup& tasks) {
  for (const auto& [id, model] : config->models) {
    if (dispatcher.engine_state(id) != core::EngineState::Ready) continue;
    tasks.spawn(check_engine(config, dispatcher, pool, id));
  }
}

void load_at_start(const Config& config, Dispatcher& dispatcher) {
  for (const std::string& model : config.preload) {
    const bool is_base = config.models.at(model).baseline;
    dispatcher.load(model, is_base ? "it is of the baseline" : "hooks.on_startup preloads it");
  }
}

void load_after_sleep(const Config& config, Dispatcher& dispatcher,
                      const std::vector<std::string>& before) {
  for (const std::string& model : config.power.load) {
    dispatcher.load(model, "power.onWake loads it after each sleep");
  }
  if (!config.power.load_last) return;
  for (const std::string& model : before) {
    if (config.find_exact(model) == nullptr) continue;
    dispatcher.load(model, "it was loaded before the sleep (power.onWake)");
  }
}

}  // namespace rouse
