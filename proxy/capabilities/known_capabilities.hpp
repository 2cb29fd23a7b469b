#pragma once

#include "base/async/task_group.hpp"
#include "base/http/pool.hpp"
#include "proxy/admission/dispatcher.hpp"
#include "proxy/capabilities/answer_memory.hpp"
#include "proxy/config/config.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace rouse {

/// Knows what each model of this machine can do: what is typed goes before what its engine has said
/// of itself, and that before what its command line says. An engine is asked once in each run, when
/// it has become ready, beside whatever it serves; its answers outlive it, and us, until its
/// command is another. Single thread.
///
/// @p tasks and @p pool outlive this; its tasks belong to @p tasks, which is joined before it goes.
class KnownCapabilities {
 public:
  /// @p state_dir: where the answers are kept; empty: nowhere.
  KnownCapabilities(std::shared_ptr<const Config> config, TaskGroup& tasks, HttpPool& pool,
                    const std::filesystem::path& state_dir);

  /// Reads what is kept; once, when there is a log to tell what is wrong with it.
  void recall();
  /// Takes a new configuration, before the Dispatcher does: engines that start are of the new one.
  void adopt(std::shared_ptr<const Config> config);
  /// To be told of every change of an engine.
  void engine_changed(const EngineChange& change);
  /// Called when one of the models turns out to be able to do something else than was known.
  void on_change(std::function<void()> call) { on_change_ = std::move(call); }

  /// Of the model with the id @p model; nothing of one that is not known.
  [[nodiscard]] const wire::Capabilities& of(std::string_view model) const;
  struct Answer {
    std::string body;
    std::chrono::system_clock::time_point at{};
  };
  /// What the engine of @p model has answered at @p path when it was last asked; nullopt: nothing
  /// is remembered.
  [[nodiscard]] std::optional<Answer> answer(std::string_view model, std::string_view path) const;

 private:
  struct Model {
    std::string digest;           // of its launch, as it is configured now
    wire::Capabilities command;   // as its command says
    wire::Capabilities resolved;  // what counts
  };
  /// One run of an engine.
  struct Run {
    std::shared_ptr<const Config> config;  // that it was started under
    std::string digest;
    TaskGroup::Handle asking;
  };

  Task<void> ask(std::string id, Run run, Endpoint endpoint);
  void learn(const std::string& id, const std::string& digest, wire::EngineAnswers answers);
  bool resolve(const std::string& id);
  void tell_contradictions(const ModelConfig& model, const wire::Capabilities& said);
  void forget_outdated();
  void remember();

  std::shared_ptr<const Config> config_;
  TaskGroup& tasks_;
  HttpPool& pool_;
  std::filesystem::path file_;  // empty: nowhere
  AnswerMemory memory_;
  std::map<std::string, Model, std::less<>> models_;
  std::map<std::string, Run, std::less<>> runs_;
  std::set<std::string> told_;  // warnings, each once
  std::function<void()> on_change_;
  bool told_unsaved_ = false;
};

}  // namespace rouse
