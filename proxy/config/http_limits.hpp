#pragma once

#include "base/http/stream.hpp"
#include "proxy/config/config.hpp"

#include <cstdint>
#include <limits>

namespace rouse {

/// What a client's connection may send.
[[nodiscard]] inline HttpLimits http_limits(const Config& config) {
  HttpLimits limits;
  limits.head_max = config.limits.head_max;
  limits.body_max = config.limits.body_max;
  // A form passes piece by piece, whatever it carries: an hour of speech has 115 MB.
  limits.form_max = std::numeric_limits<std::uint64_t>::max();
  limits.head_timeout = config.limits.head_timeout;
  return limits;
}

}  // namespace rouse
