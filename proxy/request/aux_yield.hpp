#pragma once

#include "proxy/request/client_presence.hpp"
#include "proxy/request/destination.hpp"
#include "proxy/request/request_body.hpp"

#include <optional>
#include <string>

namespace rouse {

/// Lets a small request whose model is not loaded go behind the others: a title or a count is worth
/// no swap. A model that is loaded may answer it instead, or others get their models first.
/// Returns what was done with it, as the client is told in X-Rouse-Aux: "answered by ID", for which
/// @p to was changed, or "low priority"; empty: it is no such request, or needs no swap.
Task<std::string> yield_if_aux(const Request& request, RequestBody& body, Destinations& to,
                               const ClientPresence& presence);

/// Below every priority that somebody gives on purpose.
inline constexpr int kAuxPriority = -1'000'000;

}  // namespace rouse
