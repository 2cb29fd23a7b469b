#pragma once

#include "proxy/check/finding.hpp"
#include "proxy/check/machine_files.hpp"
#include "proxy/config/config.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace rouse {

/// Against what a configuration is checked.
struct CheckedPlace {
  const MachineFiles* files = &real_files();
  std::string listen = "127.0.0.1:8080";  ///< where rouse is going to listen, HOST:PORT
  std::chrono::system_clock::time_point now;
  bool runs = false;           ///< rouse itself asks, as the user that it runs as
  bool tells_exposure = true;  ///< whether it is said that anybody may use it; `serve` does anyway
};

/// All that a configuration without errors will meet here and that somebody should know: what
/// cannot work first, then by place. Looks at files, which may hang; else pure.
[[nodiscard]] std::vector<Finding> find_findings(const LoadedConfig& loaded,
                                                 const CheckedPlace& place);

/// Why the program of @p model cannot run at the moment: "program x of model a was not found in any
/// folder of PATH (…): install it, …". Empty: nothing speaks against it.
[[nodiscard]] std::string program_obstacle(const ModelConfig& model, const MachineFiles& files);

/// Why @p model cannot be started, whatever makes room for it: its program, or the files that it is
/// loaded from, as far as it is sure that they have to be there. May hang where they lie.
[[nodiscard]] std::string start_obstacle(const ModelConfig& model, const MachineFiles& files);

}  // namespace rouse
