#pragma once

#include "base/wake/plan.hpp"

#include <string>
#include <vector>

namespace rouse {

class JsonWriter;

/// What one path of a volley came to. That a packet was sent does not mean that it arrived, or even
/// left: the kernel drops what it finds no neighbour for, in silence.
struct WakeResult {
  std::string path;         ///< broadcast, unicast, raw, relay, http, command
  std::string destination;  ///< "255.255.255.255:9 on eth0", "https://relay.lan", "ipmitool"
  std::string mac;          ///< of packets
  bool ok = false;
  int code = 0;      ///< errno of a packet, HTTP status, exit status
  std::string text;  ///< for a person: what went wrong, what to do; or "sent"
};

/// {"path","destination","mac","ok","code","text"}
void write_json(JsonWriter& json, const WakeResult& result);

/// Sends the magic packets of @p plan once, over every path that it has, each on its own. Returns
/// at once: what the kernel cannot take now is an error of that path.
///
/// Broadcasts go to the addresses of the plan, or to those of its interface. 255.255.255.255 means
/// one link and not the one of the default route (without which it is ENETUNREACH), so where no
/// interface and no source is said, it goes out of each one that is up and can broadcast.
[[nodiscard]] std::vector<WakeResult> send_packets(const WakePlan& plan);

}  // namespace rouse
