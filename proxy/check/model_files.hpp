#pragma once

#include "proxy/check/machine_files.hpp"
#include "proxy/check/program.hpp"
#include "proxy/config/command_line.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rouse {

/// A file that a command names as a model, as what it is, and why it cannot be read.
struct ModelFileFault {
  std::string what;  ///< "-m /models/x.gguf: there is no such file"
  std::string todo;
};

/// Whether paths in the arguments of @p command are those of another place (a container, another
/// host), of which nothing is known here.
[[nodiscard]] bool runs_elsewhere(const CommandWords& command);

/// Whether @p command hands its arguments to a script or a shell, which may do anything with them
/// before an engine sees them.
[[nodiscard]] bool runs_script(const CommandWords& command, const FoundProgram& program);

/// What is wrong with the files that @p command gives to -m, --model, --mmproj and their like.
/// What is no path (a name of a hub, a module of Python) is left alone.
[[nodiscard]] std::vector<ModelFileFault> find_model_file_faults(const CommandWords& command,
                                                                 const MachineFiles& files);

}  // namespace rouse
