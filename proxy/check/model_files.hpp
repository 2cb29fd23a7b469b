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

/// A file that a command gives to -m, --model, --mmproj or their like.
struct NamedModelFile {
  std::string option;
  std::string path;
};

/// Those of @p command that must be here for it: not what is no path (a name of a hub, a module of
/// Python), what may be fetched first, or what lies in another place.
[[nodiscard]] std::vector<NamedModelFile> named_model_files(const CommandWords& command);

/// What is wrong with them.
[[nodiscard]] std::vector<ModelFileFault> find_model_file_faults(const CommandWords& command,
                                                                 const MachineFiles& files);

}  // namespace rouse
