#pragma once

#include "base/async/task.hpp"
#include "base/posix.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace rouse {

/// A call that may never come back, such as a look at a file whose server is gone. It runs on a
/// thread of its own, since nobody can end it; while it is away no second one is made. Use it from
/// the loop's thread. One that never came back is left behind by the destructor, and by the end of
/// the program.
class HangableCall {
 public:
  explicit HangableCall(Executor executor) : executor_(std::move(executor)) {}
  HangableCall(const HangableCall&) = delete;
  HangableCall& operator=(const HangableCall&) = delete;

  /// An earlier call has not come back.
  [[nodiscard]] bool is_away() const;

  /// Makes the call and waits for what it returns. nullopt: the caller was cancelled meanwhile, an
  /// earlier one is still away, or no thread could be had. @p job must own all that it uses.
  template <class T>
  Task<std::optional<T>> ask(std::function<T()> job) {
    struct Answer {
      std::optional<T> value;
    };
    const auto answer = std::make_shared<Answer>();
    std::function<void()> run = [answer, job = std::move(job)] { answer->value = job(); };
    const bool came_back = co_await make(std::move(run));
    if (!came_back) co_return std::nullopt;
    co_return std::move(answer->value);
  }

 private:
  struct Away;
  Task<bool> make(std::function<void()> run);

  Executor executor_;
  std::shared_ptr<Away> away_;  ///< shared with its thread
};

}  // namespace rouse
