#pragma once

#include "base/http/pool.hpp"
#include "base/net/endpoint.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace rouse {

/// Asks an engine once whether it is ready.
struct ProbeAnswer {
  bool ready = false;  ///< exactly 200
  std::string text;    ///< what it said instead, for a person
  int status = 0;      ///< 0: it did not speak HTTP

  /// Neither "ready" nor "still loading", which is 503: it does not know what it is asked for.
  [[nodiscard]] bool is_amiss() const { return status != 0 && status != 200 && status != 503; }
};

/// One GET of @p path on a connection of its own, with @p api_key unless that is empty; ends within
/// @p limit.
Task<ProbeAnswer> probe_engine(HttpPool& pool, Endpoint endpoint, std::string api_key,
                               std::string path, std::chrono::milliseconds limit);

/// Whether nobody listens yet at @p endpoint: a bare connect is refused there, which costs a tenth
/// of a probe. False also where only a probe can tell: on other machines, by a name.
[[nodiscard]] bool is_closed(const Endpoint& endpoint);

/// The path of a checkEndpoint, which may be a whole URL of which only the path counts.
[[nodiscard]] std::string check_path(const std::string& check_endpoint);

/// A number that grows while the processes of an engine do something: their CPU time, the bytes
/// they read, the memory they hold.
[[nodiscard]] std::uint64_t progress_of(int leader, int group);

}  // namespace rouse
