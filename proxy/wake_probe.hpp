#pragma once

#include "base/endpoint.hpp"
#include "base/http_pool.hpp"
#include "base/task.hpp"

#include <string>

namespace rouse {

/// Whether a machine serves, as one new connection has found it.
struct WakeSign {
  bool awake = false;
  std::string text;  ///< for a person: what was heard, or why nothing was
};

/// Asks /v1/power, as a rouse has it, and /health of anything else: what serves requests is awake,
/// what says that it is about to sleep, or not ready, is not. Takes some 5 s at most.
Task<WakeSign> ask_whether_awake(HttpPool& pool, Endpoint url, std::string key);

}  // namespace rouse
