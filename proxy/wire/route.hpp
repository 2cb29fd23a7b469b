#pragma once

#include "proxy/wire/error_body.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace rouse::wire {

/// What a request means for the machine. Only inference loads models and counts as activity.
enum class RouteClass { Inference, Control, Probe, Asset };

enum class RouteId {
  Inference,
  Models,
  Running,
  Queue,
  Load,
  UnloadOne,
  UnloadAll,
  Logs,
  LogStream,
  Health,
  Live,
  Ready,
  Version,
  Root,
};

struct Route {
  RouteId id = RouteId::Inference;
  std::string_view methods;  ///< "POST", "GET HEAD", "GET HEAD POST"
  std::string_view path;     ///< exact, or with a last "*": the rest is the argument
  RouteClass route_class = RouteClass::Inference;
  Dialect dialect = Dialect::Plain;
  bool early_head = false;  ///< a waiting stream may get its head before the engine's
  bool needs_key = true;
  std::string_view upstream_path;  ///< another path for the engine; empty: the same

  /// @p target as the engine gets it: its own path if it has another, the query kept.
  [[nodiscard]] std::string upstream_target(std::string_view target) const;
};

struct RouteMatch {
  const Route* route = nullptr;  ///< null: not found, or not with that method
  std::string argument;          ///< what the "*" stands for, percent-decoded
  std::string allow;             ///< not empty: the path exists, these methods may be used
};

/// Finds the route of @p path, a target without its query.
[[nodiscard]] RouteMatch match_route(std::string_view method, std::string_view path);

/// "%2F" becomes "/"; what is no escape stays as it is.
[[nodiscard]] std::string percent_decode(std::string_view text);

/// The decoded value of @p name in a query string; nullopt when it is not there.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace rouse::wire
