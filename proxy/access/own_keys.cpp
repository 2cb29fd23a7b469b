#include "proxy/access/own_keys.hpp"

#include "proxy/access/credentials.hpp"

#include <algorithm>
#include <chrono>

namespace rouse {

Scope scope_of(const wire::Route& route) {
  if (route.id == wire::RouteId::WakePeer) return Scope::Wake;
  using wire::RouteId;
  const bool lists = route.id == RouteId::Models || route.id == RouteId::OneModel ||
                     route.id == RouteId::Ollama || route.id == RouteId::Version;
  if (lists) return Scope::List;
  switch (route.route_class) {
    case wire::RouteClass::Inference:
      return Scope::Infer;
    case wire::RouteClass::Control:
      return Scope::Control;
    case wire::RouteClass::Probe:
    case wire::RouteClass::Asset:
      break;
  }
  return Scope::Observe;
}

bool holds_own_key(const Config& config, const Fields::Field& field) {
  return find_key(config.keys, credential_in(field)) != nullptr;
}

void remove_own_keys(const Config& config, Fields& fields) {
  if (config.keys.empty()) return;
  fields.erase_if([&](const Fields::Field& field) { return holds_own_key(config, field); });
}

}  // namespace rouse
