#pragma once

#include "base/http/message.hpp"
#include "proxy/config/config.hpp"
#include "proxy/wire/route.hpp"

namespace rouse {

/// Which right a route wants of a key.
[[nodiscard]] Scope scope_of(const wire::Route& route);

/// Whether @p request may use @p route: true without keys, for open routes, or when any of its
/// credentials (Bearer, x-api-key, Basic password) is a key with the route's scope that has not
/// expired. Each credential is judged on its own.
[[nodiscard]] bool is_authorised(const Config& config, const wire::Route& route,
                                 const RequestHead& request);

/// Whether @p field carries a key of ours.
[[nodiscard]] bool holds_own_key(const Config& config, const Fields::Field& field);

/// Removes the credentials that are ours, so that no engine or log ever sees a key of the proxy.
void remove_own_keys(const Config& config, Fields& fields);

}  // namespace rouse
