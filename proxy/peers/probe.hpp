#pragma once

#include "base/http/pool.hpp"
#include "core/peer/state.hpp"
#include "proxy/peers/power_news.hpp"
#include "proxy/wire/capabilities_json.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace rouse {

/// How a peer is asked whether it is there.
struct ProbePlan {
  Endpoint endpoint;
  std::string api_key;
  std::string path;      ///< of its health; empty: /health, or else its list of models
  bool foreign = false;  ///< known to be no rouse: its power is not asked for
};

struct PeerAnswer {
  core::peer::Sign sign = core::peer::Sign::Silent;
  std::optional<PowerNews> news;  ///< of another rouse
  bool foreign = false;           ///< it answers, and is no rouse
  std::string detail;             ///< for a person
};

/// Asks once, on a new connection, so that a machine that has slept meanwhile cannot answer by half
/// (proxy/peers/README.md). Loads nothing there, and ends within two seconds. @p pool outlives it.
Task<PeerAnswer> probe_peer(HttpPool& pool, ProbePlan plan, std::chrono::milliseconds limit);

/// The peer's own list of models.
Task<Result<std::vector<wire::ListedModel>>> list_models_of(HttpPool& pool, ProbePlan plan);

/// The head of a GET to a peer.
[[nodiscard]] RequestHead request_to_peer(const ProbePlan& plan, const std::string& path);

}  // namespace rouse
