#pragma once

#include "base/http/stream.hpp"
#include "proxy/proxy.hpp"
#include "proxy/wire/route.hpp"

namespace rouse {

/// Answers the proxy's own endpoints: listings, load and unload, logs, health, the queue. None of
/// them loads a model except the load call. False: close the connection.
Task<bool> answer_operator(HttpStream& client, const RequestHead& request,
                           const wire::RouteMatch& match, Proxy& proxy, Caller caller = {});

}  // namespace rouse
