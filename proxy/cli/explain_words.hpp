#pragma once

#include "proxy/cli/proxy_facts.hpp"

#include <string>
#include <utility>
#include <vector>

namespace rouse {

// Sentences about one model or one peer of an answer of /api/explain: why it is as it is, and what
// comes next. Without its name, without a full stop.

[[nodiscard]] std::string why_model(ProxyFacts::Object model);
[[nodiscard]] std::string next_of_model(ProxyFacts::Object model);
[[nodiscard]] std::string why_peer(ProxyFacts::Object peer);
[[nodiscard]] std::string next_of_peer(ProxyFacts::Object peer);
/// "ok after 23 s, 3 h ago: for huge, key alice, 10.0.0.4; a request needs it"
[[nodiscard]] std::string wake_story(ProxyFacts::Object wake);

/// What happens by itself, and in how many seconds; the soonest first.
[[nodiscard]] std::vector<std::pair<double, std::string>> deadlines(const ProxyFacts& facts);
/// What has failed, and how many seconds ago; the newest first.
[[nodiscard]] std::vector<std::pair<double, std::string>> failures(const ProxyFacts& facts);

}  // namespace rouse
