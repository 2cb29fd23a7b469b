#pragma once

#include "base/config/section.hpp"
#include "base/config/yaml_json.hpp"
#include "proxy/config/config.hpp"
#include "proxy/config/schema.hpp"

#include <string>

namespace rouse {

[[nodiscard]] Filters read_filters(const Section& section);
[[nodiscard]] Timeouts read_timeouts(const Section& section);

/// The section wake of a peer.
[[nodiscard]] WakeConfig read_wake(const Section& section);

/// That no model has this id or alias, and which one was probably meant.
[[nodiscard]] std::string no_model(const std::string& name, const Config& config);

/// All of a file whose macros are expanded and whose shape is checked. @p ports: those of ${PORT},
/// by model.
[[nodiscard]] std::shared_ptr<Config> read_config(const YamlNode& root,
                                                  const std::map<std::string, int>& ports,
                                                  std::vector<Problem>& problems);

// The parts of a configuration, each in its own file.
void read_models(const Section& top, Config& config);
void read_routing(const Section& top, Config& config);
void read_remote(const Section& top, Config& config);  ///< peers, selectors, profiles
void read_keys(const Section& top, Config& config);    ///< apiKeys, keys; after all names
void read_cors(const Section& top, Config& config);
void read_hosts(const Section& top, Config& config);

}  // namespace rouse
