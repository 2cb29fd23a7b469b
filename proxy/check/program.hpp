#pragma once

#include "proxy/check/machine_files.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rouse {

/// Why a program cannot be started. Reads on behind "program NAME".
struct ProgramFault {
  std::string what;  ///< "was not found in any folder of PATH (/usr/bin:/bin)"
  std::string todo;
};

/// A program as spawn() would find it.
struct FoundProgram {
  std::string path;        ///< empty: there is none, or nobody could look
  bool is_script = false;  ///< it begins with #!
  std::optional<ProgramFault> fault;
};

/// What would run for @p program, in an engine with the variables @p env over ours. As execve(2)
/// judges, and as far as the interpreter of a script or the loader of a binary: it must exist, too.
[[nodiscard]] FoundProgram find_program(const std::string& program,
                                        const std::vector<std::string>& env,
                                        const MachineFiles& files);

}  // namespace rouse
