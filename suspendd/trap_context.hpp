#pragma once

#include "base/async/task.hpp"
#include "core/sleep/memory.hpp"
#include "suspendd/box/traps.hpp"
#include "suspendd/config/config.hpp"
#include "suspendd/systemd/logind.hpp"

#include <string>

namespace rouse::suspendd {

/// What find_traps() must be told: asks logind and systemd, the rest is known. @p proxy_error and
/// @p proxy_pid: of the last word with the proxy.
Task<TrapContext> read_trap_context(Logind& logind, const Config& config,
                                    core::suspend::Memory memory, core::suspend::Now now,
                                    std::string proxy_error, int proxy_pid);

}  // namespace rouse::suspendd
