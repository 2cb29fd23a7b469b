#pragma once

#include "base/http/stream.hpp"
#include "proxy/proxy.hpp"

#include <string>

namespace rouse {

/// `GET /api/events`: what there is now, then every change, until the client leaves or the server
/// stops (docs/llama-swap.md, Events). A comment keeps a silent stream alive.
Task<void> stream_events(HttpStream& client, const RequestHead& request, Proxy& proxy);

/// The data of a modelStatus event: every model with its state.
[[nodiscard]] std::string model_status_json(const Proxy& proxy);

/// Tells everybody how the models are.
void publish_models(Proxy& proxy);
/// Tells everybody that another profile is active.
void publish_profile(Proxy& proxy);

/// Makes what happens to requests, models and logs into events while somebody listens. Once, early.
void publish_changes(Proxy& proxy);

}  // namespace rouse
