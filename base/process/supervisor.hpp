#pragma once

namespace rouse {

/// Called between fork and exec, in a process of one thread, where only async-signal-safe calls are
/// allowed. Forks once more and returns in the child, which is to become the program, in a process
/// group of its own. The other one, the supervisor, never returns: see spawn_supervised(). It
/// closes its outputs and @p error_fd.
void supervise_child(int error_fd);

}  // namespace rouse
