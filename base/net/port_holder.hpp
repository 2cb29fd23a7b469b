#pragma once

#include <cstdint>
#include <string>

namespace rouse {

/// Who listens on a TCP port of this machine, for a person: "pid 12 (llama-server)", or "another
/// process" where it belongs to another user; empty if nobody does. @p host: an address; only those
/// in the way of listening on it count. Empty, or a name: all.
[[nodiscard]] std::string port_holder(std::uint16_t port, const std::string& host = {});

}  // namespace rouse
