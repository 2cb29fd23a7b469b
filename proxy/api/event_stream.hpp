#pragma once

#include "base/http/stream.hpp"
#include "proxy/proxy.hpp"

#include <string>

namespace rouse {

/// `GET /api/events`: what there is now, then every change, until the client leaves or the server
/// stops (docs/llama-swap.md, Events). A comment keeps a silent stream alive.
/// Of models, what @p caller may know; the proxy's own log is for keys that may use all of them.
Task<void> stream_events(HttpStream& client, const RequestHead& request, Proxy& proxy,
                         Caller caller);

/// Tells everybody how the models are that they may know of.
void publish_models(Proxy& proxy);
/// Tells everybody that another profile is active.
void publish_profile(Proxy& proxy);

/// Makes what happens to requests, models and logs into events while somebody listens. Once, early.
void publish_changes(Proxy& proxy);

}  // namespace rouse
