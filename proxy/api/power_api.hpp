#pragma once

#include "base/http/stream.hpp"
#include "proxy/proxy.hpp"

#include <string>
#include <string_view>

namespace rouse {

/// `GET /v1/power/events` for those who send work to this machine: an event named "snapshot", then
/// one for each change ("draining", "suspending", "awake", "facts"), all with the body of
/// `GET /v1/power` as their data; a comment every few seconds. Ends when the client leaves or the
/// server stops.
Task<void> stream_power_events(HttpStream& client, const RequestHead& request, Proxy& proxy);

/// `POST /v1/power/ack {"epoch":41}`: a subscriber has heard of `suspending`. What is wrong with
/// @p body; empty: nothing.
[[nodiscard]] std::string take_power_ack(std::string_view body, Power& power);

}  // namespace rouse
