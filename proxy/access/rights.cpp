#include "proxy/access/rights.hpp"

namespace rouse {

namespace {

using Pages = Right::Pages;
using Models = Right::Models;

/// By its id, of a route that wants a key.
Right by_id(const wire::Route& route) {
  using wire::RouteId;
  switch (route.id) {
    case RouteId::Inference:
      if (route.route_class == wire::RouteClass::Probe) {
        return {Scope::Observe, Pages::Any, Models::Asked};
      }
      return {Scope::Infer, Pages::Listed, Models::Asked};
    case RouteId::Upstream:
    case RouteId::Comfy:
      return {Scope::Infer, Pages::Listed, Models::Asked};
    case RouteId::Models:
    case RouteId::OneModel:
    case RouteId::Ollama:
      return {Scope::List, Pages::Any, Models::Shown};
    case RouteId::Version:
      return {Scope::List, Pages::Any, Models::None};
    case RouteId::Running:
    case RouteId::Queue:
    case RouteId::Explain:
    case RouteId::ExplainOne:
    case RouteId::Metrics:
    case RouteId::Events:
    case RouteId::Activity:
    case RouteId::Stats:
    case RouteId::Profiles:
    case RouteId::Peers:
    case RouteId::Wakes:
    case RouteId::LogStream:
      return {Scope::Observe, Pages::Any, Models::Shown};
    case RouteId::Capture:
      return {Scope::Captures, Pages::Any, Models::Shown};
    case RouteId::Logs:
      return {Scope::Observe, Pages::Any, Models::Every};
    case RouteId::UpstreamRoot:
    case RouteId::ComfyRoot:
    case RouteId::Performance:
    case RouteId::Hardware:
    case RouteId::Power:
    case RouteId::PowerEvents:
    case RouteId::Health:
    case RouteId::Live:
    case RouteId::Ready:
    case RouteId::Root:
      return {Scope::Observe, Pages::Any, Models::None};
    case RouteId::PowerAck:
      return {Scope::Observe, Pages::ByName, Models::None};
    case RouteId::Load:
    case RouteId::UnloadOne:
      return {Scope::Control, Pages::ByName, Models::Asked};
    case RouteId::UnloadAll:
    case RouteId::Cancel:
      return {Scope::Control, Pages::ByName, Models::Shown};
    case RouteId::ActivateProfile:
    case RouteId::Reload:
      return {Scope::Control, Pages::ByName, Models::Every};
    case RouteId::WakePeer:
      break;
  }
  return {Scope::Wake, Pages::ByName, Models::None};
}

}  // namespace

Right right_of(const wire::Route& route) {
  Right right = by_id(route);
  if (!route.needs_key) right.scope.reset();
  return right;
}

}  // namespace rouse
