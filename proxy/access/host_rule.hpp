#pragma once

#include "base/http/message.hpp"
#include "base/net/own_names.hpp"
#include "proxy/config/config.hpp"
#include "proxy/wire/refusal.hpp"
#include "proxy/wire/route.hpp"

#include <optional>

namespace rouse {

// By which names we may be asked for: those of base/net/own_names.hpp, and those that `hosts:`
// lists.
//
// With keys the name does not matter where a key comes in a field of its own, Authorization: Bearer
// or x-api-key: a page can send only one that it knows. A password of Basic does not count:
// browsers ask for it in the page's name, and from then on send it by themselves.
//
// Health checks may use any name: they tell nothing, and load balancers use names of their own.

/// 421 for a request that came by another name than these and those of `hosts:`; nullopt: go on.
/// @p route: null where none was found.
[[nodiscard]] std::optional<Failure> host_fault(const Config& config, const OwnNames& own,
                                                const wire::Route* route,
                                                const RequestHead& request);

}  // namespace rouse
