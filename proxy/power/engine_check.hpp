#pragma once

#include "base/async/task_group.hpp"
#include "base/http/pool.hpp"
#include "proxy/admission/dispatcher.hpp"
#include "proxy/config/config.hpp"

#include <memory>
#include <string>
#include <vector>

namespace rouse {

/// After a sleep: asks every engine that lived through it for one token, and replaces those that do
/// not answer, since a GPU may come back without what was in its memory. In tasks of @p tasks;
/// @p dispatcher and @p pool outlive them.
void check_engines(const std::shared_ptr<const Config>& config, Dispatcher& dispatcher,
                   HttpPool& pool, TaskGroup& tasks);

/// Loads what hooks.on_startup and the baseline want.
void load_at_start(const Config& config, Dispatcher& dispatcher);

/// Loads what power.onWake wants after each sleep. @p before: the models that were unloaded for it.
void load_after_sleep(const Config& config, Dispatcher& dispatcher,
                      const std::vector<std::string>& before);

}  // namespace rouse
