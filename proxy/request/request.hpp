#pragma once

#include "base/http/stream.hpp"
#include "proxy/access/keys.hpp"
#include "proxy/proxy.hpp"
#include "proxy/wire/refusal.hpp"
#include "proxy/wire/route.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {

/// What the path of a request says, for those whose body is not looked at.
struct PathTarget {
  std::string name;    ///< of the model, as asked for
  std::string target;  ///< path and query for the engine
  bool starts = true;  ///< false: a model that is not ready is not loaded for it, that is a 409
};

/// What a client has asked and under which configuration: what every stage looks at, and none
/// changes. Owned by the Exchange; the proxy and the client's stream outlive it.
struct Request {
  using Clock = std::chrono::steady_clock;

  Request(Proxy& proxy_in, HttpStream& client_in, RequestHead head_in, const wire::Route& route_in,
          std::optional<PathTarget> path_in, std::string remote_in, Caller caller_in);
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  [[nodiscard]] bool wants_upgrade() const;
  /// What it asks an engine for, without the query.
  [[nodiscard]] std::string_view engine_path() const;
  /// @p made for a request of which a part may be unread: then the connection ends with it.
  [[nodiscard]] Failure unread(Failure made) const;

  Proxy& proxy;
  const std::shared_ptr<const Config> config;  ///< as it was when the request came
  HttpStream& client;
  const RequestHead head;
  const wire::Route& route;
  const std::optional<PathTarget> path;
  const std::string remote;  ///< the client's address
  const Caller caller;       ///< whose key it shows
  const std::string id;      ///< X-Request-Id
  const Clock::time_point started = Clock::now();
};

}  // namespace rouse
