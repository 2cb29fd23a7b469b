#pragma once

#include "base/http/message.hpp"
#include "proxy/config/config.hpp"
#include "proxy/wire/route.hpp"

namespace rouse {

/// Which right a route wants of a key.
[[nodiscard]] Scope scope_of(const wire::Route& route);

/// Whether @p field carries a key of ours.
[[nodiscard]] bool holds_own_key(const Config& config, const Fields::Field& field);

/// Removes the credentials that are ours, so that no engine or log ever sees a key of the proxy.
void remove_own_keys(const Config& config, Fields& fields);

}  // namespace rouse
