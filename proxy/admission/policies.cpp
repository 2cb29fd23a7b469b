#include "proxy/admission/policies.hpp"

namespace rouse {

std::map<core::ModelId, core::ModelPolicy, std::less<>> policies_of(const Config& config) {
  std::map<core::ModelId, core::ModelPolicy, std::less<>> policies;
  for (const auto& [id, model] : config.models) {
    core::ModelPolicy policy;
    policy.concurrency = model.concurrency_limit;
    policy.ttl = model.ttl;
    policy.unload_drain = model.unload_timeout;
    policy.unevictable = model.unevictable;
    policy.baseline = model.baseline;
    if (const auto it = config.priority.find(id); it != config.priority.end()) {
      policy.priority = it->second;
    }
    policies.emplace(id, policy);
  }
  return policies;
}

}  // namespace rouse
