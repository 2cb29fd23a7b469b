#pragma once

#include "proxy/request/destination.hpp"
#include "proxy/request/request_body.hpp"

#include <optional>

namespace rouse {

/// Why @p to, a peer, may not be asked for that: below a model of its own
/// (proxy/access/peer_paths.hpp), or by a form that names none. nullopt: it may, or it is an engine
/// of ours, whose paths are its own affair. Reads of @p body as
/// much as tells the model.
Task<std::optional<Failure>> check_peer_path(const Request& request, RequestBody& body,
                                             const Destination& to);

}  // namespace rouse
