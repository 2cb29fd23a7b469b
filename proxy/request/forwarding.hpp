#pragma once

#include "base/http/message.hpp"
#include "base/net/endpoint.hpp"
#include "proxy/request/request.hpp"

#include <string>

namespace rouse {

/// The head that the other side at @p endpoint gets for a client's request: hop-by-hop fields and
/// our keys taken out, Via, X-Forwarded-* and the request id put in. Pages and sockets get the host
/// that the client asked for, since their engines compare it with the Origin; everybody else the
/// endpoint's own. The target is the caller's to set.
[[nodiscard]] RequestHead head_for_upstream(const Request& request, const Endpoint& endpoint);

/// The head that a client gets for an engine's answer. @p may_stay: the connection is fit for
/// another request.
[[nodiscard]] ResponseHead head_for_client(const ResponseHead& answer, const RequestHead& request,
                                           const std::string& request_id, bool may_stay);

/// The head of a stream that begins before its engine does (docs/clients.md, Waiting).
[[nodiscard]] ResponseHead early_stream_head(const RequestHead& request,
                                             const std::string& request_id);

/// The type of a stream in which each line is JSON.
inline constexpr std::string_view kJsonLines = "application/x-ndjson";

[[nodiscard]] bool is_event_stream(const ResponseHead& head);

}  // namespace rouse
