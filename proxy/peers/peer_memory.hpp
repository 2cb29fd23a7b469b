#pragma once

#include "base/result.hpp"
#include "base/wake/magic_packet.hpp"
#include "core/peer/state.hpp"
#include "proxy/wire/capabilities.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace rouse {

/// What is kept of a peer over a restart, so that it can be listed and woken while it sleeps.
struct PeerMemory {
  core::peer::Memory state;
  std::vector<MacAddress> macs;     ///< as it announced them
  std::vector<std::string> models;  ///< as it lists them
  std::map<std::string, wire::Capabilities, std::less<>>
      capabilities;  ///< of those of which it says any
  std::chrono::system_clock::time_point listed_at{};
};

/// That of peer @p name in the state folder @p dir.
[[nodiscard]] std::filesystem::path peer_memory_file(const std::filesystem::path& dir,
                                                     const std::string& name);
/// Nothing where there is no such file; a broken one counts as none.
[[nodiscard]] PeerMemory read_peer_memory(const std::filesystem::path& file);
/// Replaces the file as a whole. The folder is made.
[[nodiscard]] Result<void> write_peer_memory(const std::filesystem::path& file,
                                             const PeerMemory& memory);

}  // namespace rouse
