#include "proxy/capabilities/known_capabilities.hpp"

#include "base/http/ask.hpp"
#include "proxy/config/command_capabilities.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace rouse {

namespace {

using namespace std::chrono_literals;

constexpr auto kAskConnect = 1s;
constexpr auto kAskLimit = 5s;
/// Chat templates are a few dozen KiB at most.
constexpr std::size_t kSaidMax = std::size_t{512} * 1024;

/// The body of what the engine of @p model answers at @p path; empty: nothing that can be kept.
Task<std::string> ask_engine(HttpPool& pool, const ModelConfig& model, Endpoint endpoint,
                             std::string_view path) {
  HttpAsk ask;
  ask.target = endpoint.base_path + std::string(path);
  ask.url = std::move(endpoint);
  ask.fields.add("user-agent", "rouse");
  ask.fields.add("accept", "application/json");
  if (!model.api_key.empty()) ask.fields.add("authorization", "Bearer " + model.api_key);
  ask.connect_timeout = kAskConnect;
  ask.timeout = kAskLimit;
  ask.answer_max = kSaidMax;
  Result<HttpAnswer> answer = co_await http_ask(pool, std::move(ask));
  if (!answer) {
    spdlog::debug("{}: {} was not answered: {}", model.id, path, answer.error().message());
    co_return std::string();
  }
  const bool is_kept = answer->status == 200 && wire::is_json_object(answer->body);
  co_return is_kept ? std::move(answer->body) : std::string();
}

}  // namespace

KnownCapabilities::KnownCapabilities(std::shared_ptr<const Config> config, TaskGroup& tasks,
                                     HttpPool& pool, const std::filesystem::path& state_dir)
    : tasks_(tasks), pool_(pool) {
  if (!state_dir.empty()) file_ = state_dir / "capabilities.json";
  adopt(std::move(config));
}

void KnownCapabilities::recall() {
  if (file_.empty()) return;
  Result<AnswerMemory> read = read_answer_memory(file_);
  if (!read) {
    spdlog::warn("{}: {}; it is forgotten, and each engine is asked anew", read.error().doing,
                 read.error().code.message());
    return;
  }
  memory_ = std::move(*read);
  forget_outdated();
  for (const auto& [id, model] : config_->models) resolve(id);
}

void KnownCapabilities::adopt(std::shared_ptr<const Config> config) {
  config_ = std::move(config);
  models_.clear();
  for (const auto& [id, model] : config_->models) {
    models_[id] = {digest_of_launch(model), read_command_capabilities(model).can, {}};
  }
  forget_outdated();
  for (const auto& [id, model] : config_->models) resolve(id);
}

/// Of models that have left, or whose command is another.
void KnownCapabilities::forget_outdated() {
  const std::size_t gone = std::erase_if(memory_, [this](const auto& each) {
    const auto model = models_.find(each.first);
    return model == models_.end() || model->second.digest != each.second.digest ||
           !config_->models.at(each.first).may_ask_capabilities;
  });
  if (gone > 0) remember();
}

void KnownCapabilities::engine_changed(const EngineChange& change) {
  const std::string& id = change.model;
  if (change.to == core::EngineState::Starting) {
    const auto model = models_.find(id);
    if (model != models_.end()) runs_[id] = {config_, model->second.digest, {}};
    return;
  }
  const auto run = runs_.find(id);
  if (run == runs_.end()) return;
  if (change.to != core::EngineState::Ready) {
    // llama-server does not leave while a connection is open.
    run->second.asking.cancel(asio::cancellation_type::terminal);
    runs_.erase(run);
    return;
  }
  if (!run->second.config->models.at(id).may_ask_capabilities) return;
  run->second.asking = tasks_.spawn(ask(id, run->second, change.endpoint));
}

Task<void> KnownCapabilities::ask(std::string id, Run run, Endpoint endpoint) {
  const ModelConfig& model = run.config->models.at(id);
  wire::EngineAnswers answers;
  answers.props = co_await ask_engine(pool_, model, endpoint, "/props");
  answers.models = co_await ask_engine(pool_, model, endpoint, "/v1/models");
  if (wire::read_answers(answers, model.name_there()).context == 0) {
    answers.info = co_await ask_engine(pool_, model, endpoint, "/info");
  }
  const bool cancelled = co_await is_cancelled();
  // Nothing at all is no news, either: it was busy.
  if (!cancelled && !answers.is_empty()) learn(id, run.digest, std::move(answers));
}

void KnownCapabilities::learn(const std::string& id, const std::string& digest,
                              wire::EngineAnswers answers) {
  const auto model = models_.find(id);
  // A reload may have come meanwhile.
  if (model == models_.end() || model->second.digest != digest) return;
  if (!config_->models.at(id).may_ask_capabilities) return;
  memory_[id] = {digest, std::chrono::system_clock::now(), std::move(answers)};
  remember();
  if (resolve(id) && on_change_) on_change_();
}

/// Whether there is something new.
bool KnownCapabilities::resolve(const std::string& id) {
  const ModelConfig& model = config_->models.at(id);
  Model& known = models_.at(id);
  wire::CapabilitySources sources;
  sources.typed = model.capabilities;
  if (model.may_ask_capabilities) {
    sources.command = known.command;
    const auto remembered = memory_.find(id);
    if (remembered != memory_.end()) {
      sources.said = wire::read_answers(remembered->second.answers, model.name_there());
    }
    tell_contradictions(model, sources.said);
  }
  wire::Capabilities before = std::exchange(known.resolved, wire::resolve(sources));
  return before != known.resolved;
}

void KnownCapabilities::tell_contradictions(const ModelConfig& model,
                                            const wire::Capabilities& said) {
  for (const std::string& what : wire::contradictions(model.capabilities, said)) {
    std::string text = fmt::format("models: {}: {}", model.id, what);
    if (!told_.insert(text).second) continue;
    spdlog::warn("{}", text);
  }
}

void KnownCapabilities::remember() {
  if (file_.empty()) return;
  const Result<void> written = write_answer_memory(file_, memory_);
  if (!written && !std::exchange(told_unsaved_, true)) {
    spdlog::warn("{}: {}; after a restart each engine is asked anew", written.error().doing,
                 written.error().code.message());
  }
}

const wire::Capabilities& KnownCapabilities::of(std::string_view model) const {
  static const wire::Capabilities kNothing;
  const auto found = models_.find(model);
  return found == models_.end() ? kNothing : found->second.resolved;
}

std::optional<KnownCapabilities::Answer> KnownCapabilities::answer(std::string_view model,
                                                                   std::string_view path) const {
  const auto found = memory_.find(model);
  if (found == memory_.end()) return std::nullopt;
  const std::string* const body = found->second.answers.at(path);
  if (body == nullptr) return std::nullopt;
  return Answer{*body, found->second.at};
}

}  // namespace rouse
