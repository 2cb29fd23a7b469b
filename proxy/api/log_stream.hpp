#pragma once

#include "base/http/stream.hpp"
#include "proxy/proxy.hpp"

#include <string>

namespace rouse {

/// The log called @p name: "" (what goes to our own output), "proxy", "upstream", or a model's id
/// or alias. Null for an unknown name, and for one that is not for @p caller: what tells of all
/// models is for keys that may use all.
[[nodiscard]] LogRing* find_log(const std::string& name, const Caller& caller, Proxy& proxy);

/// Sends @p ring's history, if wanted, and then every byte that is added, until the client leaves
/// or the server stops. A reader that is too slow loses bytes and is told how many.
Task<void> stream_log(HttpStream& client, const RequestHead& request, LogRing& ring,
                      bool with_history);

}  // namespace rouse
