#pragma once

#include "base/async/task.hpp"
#include "proxy/config/config.hpp"

#include <functional>

namespace rouse {

/// Calls @p changed each time that the files of @p sources are others than before, and have been
/// left alone for a second. Polls every two seconds, since that sees links that are swapped and
/// files that are mounted over, too. Ends with its cancellation.
Task<void> watch_files(Executor executor, ConfigSources sources, std::function<void()> changed);

}  // namespace rouse
