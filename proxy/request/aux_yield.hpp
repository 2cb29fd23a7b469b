#pragma once

#include "proxy/request/client_presence.hpp"
#include "proxy/request/destination.hpp"
#include "proxy/request/request_body.hpp"

#include <optional>
#include <string>

namespace rouse {

/// What was done with a request that is worth no swap.
struct AuxYield {
  std::string told;  ///< to the client, in X-Rouse-Aux; empty: it is no such request, or needs none
  bool is_behind = false;   ///< it goes behind the others
  bool is_refused = false;  ///< nothing is loaded for it, as the configuration wants it
};

/// Lets a small request whose model is not loaded go behind the others: a title, a count or a check
/// of somebody's health is worth no swap. A model that is loaded may answer it instead ("answered
/// by ID", for which @p to is changed), or others get their models first ("low priority").
Task<AuxYield> yield_if_aux(const Request& request, const RequestBody& body, Destinations& to,
                            const ClientPresence& presence);

/// Below every priority that somebody gives on purpose.
inline constexpr int kAuxPriority = -1'000'000;

}  // namespace rouse
