#include "suspendd/checks/checks.hpp"

#include "suspendd/checks/kinds.hpp"

#include <variant>

namespace rouse::suspendd {

std::unique_ptr<Check> make_check(const CheckConfig& config, CheckContext& context) {
  return std::visit([&](const auto& settings) { return make_kind(settings, config, context); },
                    config.settings);
}

}  // namespace rouse::suspendd
