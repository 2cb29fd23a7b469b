#pragma once

#include "base/http/server.hpp"
#include "base/http/stream.hpp"
#include "proxy/config/config.hpp"

#include <cstddef>
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

/// How many connections it may have, in all and of one address.
inline void set_limits(HttpServer& server, const Config& config) {
  const LimitsConfig& limits = config.limits;
  const std::size_t half = (limits.connections_max + 1) / 2;
  server.set_limits(http_limits(config), limits.connections_max,
                    limits.connections_per_address > 0 ? limits.connections_per_address : half);
}

}  // namespace rouse
