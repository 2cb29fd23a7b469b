#pragma once

#include "base/http/stream.hpp"

#include <chrono>
#include <cstdint>

namespace rouse {

struct TunnelBytes {
  std::uint64_t up = 0;    ///< from the client
  std::uint64_t down = 0;  ///< to the client
};

/// Passes bytes both ways between two streams that have switched protocols (RFC 9110 §7.8), until
/// both sides have ended, one breaks off, or neither has said anything for @p idle_max. The end of
/// one side is passed on while the other goes on. Both streams are of no further use afterwards. A
/// cancellation of the caller ends it; its cancellation state is then off.
Task<TunnelBytes> tunnel(HttpStream& client, HttpStream& upstream,
                         std::chrono::steady_clock::duration idle_max);

}  // namespace rouse
