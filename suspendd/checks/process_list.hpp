#pragma once

#include "suspendd/box/root.hpp"
#include "suspendd/checks/proc_text.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rouse::suspendd {

// The processes of the machine, as /proc shows them. Each may end between two of these calls:
// nothing is then what they tell.

[[nodiscard]] std::vector<int> process_ids(const Root& root);
/// "" when it is gone.
[[nodiscard]] std::string process_comm(const Root& root, int pid);
/// Its words; a process may have written over them (sshd does, in one word with blanks). Empty for
/// a kernel thread.
[[nodiscard]] std::vector<std::string> process_command(const Root& root, int pid);
[[nodiscard]] std::optional<ProcessStat> read_process(const Root& root, int pid);
/// The inodes of its sockets; nullopt: we may not know.
[[nodiscard]] std::optional<std::set<std::uint32_t>> process_sockets(const Root& root, int pid);

}  // namespace rouse::suspendd
