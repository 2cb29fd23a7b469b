#pragma once

#include "proxy/config/config.hpp"

#include <string>
#include <vector>

namespace rouse {

/// What a command line says of the way to wake a machine, as the keys of the configuration's wake;
/// what is given takes the place of what the configuration has.
struct WakeFlags {
  std::vector<std::string> mac;
  std::vector<std::string> broadcast;
  std::vector<std::string> port;
  std::vector<std::string> unicast;
  std::string interface;
  std::string source;
  std::string secureon;
  std::string relay;
  std::string relay_token;
  bool raw = false;
  std::string timeout;
};

struct WakeOptions {
  ConfigSources sources;
  std::string state_dir;  ///< where a proxy keeps the addresses that it has learned
  std::string peer;       ///< empty: only what the flags say
  WakeFlags flags;
  std::string url;            ///< whom to ask whether it is awake; empty: the peer's address
  std::string key;            ///< that it wants; empty: the peer's
  std::string pause = "30s";  ///< for one path of a test
  bool test = false;
  bool json = false;
};

/// `rouse wake`: sends wake signals until the machine answers on a new connection. Returns the exit
/// status: 0 awake, 1 not, 2 for what cannot be asked for. Without an address to ask at, a few
/// volleys are sent and 0 says that any packet was.
///
/// A test tries the paths one after the other, and tells which one made the machine answer; one
/// that answers before anything was sent is not tested: 2.
int wake_machine(const WakeOptions& options);

}  // namespace rouse
