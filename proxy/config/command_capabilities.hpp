#pragma once

#include "proxy/config/config.hpp"

#include <string>

namespace rouse {

/// What a command line says of the abilities of its model, without anybody having run it.
struct CommandCapabilities {
  wire::Capabilities can;
  std::string context_from;  ///< where its context stands: "-c 8192 for 2 slots"; empty: nowhere
};

/// Reads the options of llama-server, vLLM, SGLang and TGI in the command of @p model, and those of
/// llama-server in its env. What a script makes of its arguments nobody knows: the engine's own
/// word, once there is one, goes before this.
[[nodiscard]] CommandCapabilities read_command_capabilities(const ModelConfig& model);

}  // namespace rouse
