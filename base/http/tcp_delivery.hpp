#pragma once

#include <cstdint>
#include <optional>

namespace rouse {

/// How many bytes that we wrote the other side's kernel has confirmed (tcp_info.tcpi_bytes_acked);
/// also after the connection has failed. nullopt: @p fd is no TCP socket.
[[nodiscard]] std::optional<std::uint64_t> acknowledged_bytes(int fd);

}  // namespace rouse
