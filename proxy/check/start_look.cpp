#include "proxy/check/start_look.hpp"

#include "base/async/hangable_call.hpp"
#include "base/async/use_task.hpp"
#include "proxy/check/findings.hpp"
#include "proxy/check/model_files.hpp"

#include <utility>

namespace rouse {

Task<std::string> StartLook::obstacle(const ModelConfig& model) {
  if (named_model_files(read_command(model.cmd)).empty()) co_return std::string();
  std::shared_ptr<Look> mine;
  if (const auto it = looks_.find(model.id); it != looks_.end()) {
    mine = it->second;
  } else {
    mine = std::make_shared<Look>(
        Timer(tasks_.executor(), std::chrono::steady_clock::now() + patience_));
    looks_.emplace(model.id, mine);
    std::function<std::string()> job = [model, files = &files_] {
      return start_obstacle(model, *files);
    };
    tasks_.spawn(look(model.id, std::move(job), mine));
  }
  // It may have come back at once.
  if (!mine->done) co_await mine->bell.async_wait(use_task);
  co_return mine->obstacle;
}

Task<void> StartLook::look(std::string model, std::function<std::string()> job,
                           std::shared_ptr<Look> out) {
  HangableCall call(tasks_.executor());
  std::optional<std::string> found = co_await call.ask(std::move(job));
  out->done = true;
  if (found) out->obstacle = std::move(*found);
  out->bell.cancel();
  looks_.erase(model);
}

}  // namespace rouse
