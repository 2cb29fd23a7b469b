#pragma once

#include "proxy/cli/ask_proxy.hpp"

namespace rouse {

struct StatusOptions {
  ProxyOptions proxy;
  bool json = false;
  bool watch = false;
};

/// Asks a running proxy and prints its page, or with --watch one page each second until it is
/// interrupted. Returns the exit status: 0, 1 when the proxy did not answer or refused (said on
/// stderr), 2 for a url that is none.
[[nodiscard]] int print_status(const StatusOptions& options);

}  // namespace rouse
