#pragma once

#include "base/http/stream.hpp"
#include "proxy/proxy.hpp"

#include <memory>
#include <string>

namespace rouse {

/// Serves one client until it hangs up, fails, or the server stops. @p proxy outlives every
/// session: the App joins them before it lets go of anything.
Task<void> serve_client(std::unique_ptr<HttpStream> client, std::string remote, Proxy& proxy);

/// One request, whose head is @p request, to the end of its answer. False: @p client must be
/// closed. All of them outlive it.
Task<bool> serve_one(HttpStream& client, RequestHead request, const std::string& remote,
                     Proxy& proxy);

}  // namespace rouse
