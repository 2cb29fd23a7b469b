#pragma once

#include "core/swap/residency.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rouse::core {

/// Says for people who leaves and who stays: "planner leaves, embed stays". @p leaving is sorted
/// and part of @p running; @p target is not mentioned.
[[nodiscard]] std::string describe_eviction(std::string_view target,
                                            const std::vector<ModelId>& leaving,
                                            const ModelSet& running);

}  // namespace rouse::core
