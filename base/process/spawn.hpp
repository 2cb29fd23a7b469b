#pragma once

#include "base/posix.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

namespace rouse {

/// A child that runs; nobody else waits for it.
struct Spawned {
  pid_t pid = 0;
  UniqueFd pidfd;   ///< readable when it has exited
  UniqueFd output;  ///< its standard output and error, one pipe, non-blocking
};

/// From now on the variables called @p names are in no environment that spawn() gives, unless its
/// @p env has them: they hold secrets of ours. Those that systemd speaks with us by, and ROUSE_KEY,
/// ROUSE_…_TOKEN and the like, are never. For the whole process, as the environment is.
void withhold_from_programs(std::set<std::string, std::less<>> names);

/// Where a program is looked for that is started with @p env: the PATH in there, then ours.
[[nodiscard]] std::string search_path(const std::vector<std::string>& env);

/// The files that @p program may be, as spawn() tries them: itself, if there is a slash in it, else
/// one for each folder of search_path().
[[nodiscard]] std::vector<std::string> program_candidates(const std::string& program,
                                                          const std::vector<std::string>& env);

/// Starts @p argv without a shell: found as program_candidates() says, in a process group of its
/// own, standard input from /dev/null, every other descriptor closed, default signals, and dying
/// with us (PR_SET_PDEATHSIG). @p env lists K=V over our own environment without what is for us
/// alone (withhold_from_programs()), the later wins. @p cgroup_fd: the cgroup.procs to join before
/// anything runs; -1: none. An exec that fails is an error here, never a child that exits with 127.
[[nodiscard]] Result<Spawned> spawn(const std::vector<std::string>& argv,
                                    const std::vector<std::string>& env, int cgroup_fd = -1);

/// The same below a supervisor: a process between us and the program, whose pid this is, and which
/// ends as the program ended. All that the program starts falls to the supervisor, out of whichever
/// group or session; when the program ends, when the supervisor gets SIGTERM, or when we die, it
/// kills and collects them all, and is then gone itself. SIGKILL is not for it.
[[nodiscard]] Result<Spawned> spawn_supervised(const std::vector<std::string>& argv,
                                               const std::vector<std::string>& env);

/// Makes orphaned descendants children of ours, so that a double fork cannot hide them. Once,
/// early.
void become_subreaper();

/// Collects what has exited of the descendants that came to us that way; @p pid must be one.
void reap(pid_t pid);

/// What a wait status says: "exited with status 1", "was killed by signal 9 (Killed)".
[[nodiscard]] std::string exit_text(int status);

}  // namespace rouse
