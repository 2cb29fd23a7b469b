#pragma once

#include "proxy/config/config.hpp"
#include "proxy/logs/log_ring.hpp"

#include <string_view>

namespace rouse {

/// The logs that `/logs` shows. The proxy's own lines and the engines' output each have a ring;
/// `mux` holds those that logToStdout chooses, which are the ones that go to our own output too.
struct Logs {
  LogRing proxy;
  LogRing upstream;
  LogRing mux;
};

}  // namespace rouse
