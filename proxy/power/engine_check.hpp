#pragma once

#include "proxy/proxy.hpp"

namespace rouse {

/// After a sleep: asks every engine that lived through it for one token, and replaces those that do
/// not answer, since a GPU may come back without what was in its memory. In tasks of @p tasks;
/// @p proxy outlives them.
void check_engines(Proxy& proxy, TaskGroup& tasks);

}  // namespace rouse
