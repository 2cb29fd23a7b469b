#pragma once

#include "base/async/task.hpp"
#include "base/http/pool.hpp"
#include "base/net/endpoint.hpp"
#include "base/result.hpp"

#include <chrono>
#include <string>

namespace rouse::suspendd {

struct HttpCall {
  Endpoint endpoint;
  std::string method = "GET";
  std::string path;    ///< after the endpoint's own
  std::string body;    ///< JSON; empty: none
  std::string bearer;  ///< Authorization: Bearer; empty: none
  std::chrono::milliseconds timeout{5'000};
  std::size_t body_max = 4 * 1024 * 1024;
};

struct HttpAnswer {
  int status = 0;
  std::string body;
  int listener = 0;  ///< of a unix socket, see listener_of()

  [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
};

/// One request on a connection of its own, and its whole answer, whatever its status.
Task<Result<HttpAnswer>> http_call(HttpPool& pool, HttpCall call);

/// The process that listens at the other end of the unix socket @p socket; 0: not known, or
/// systemd, which only made it.
[[nodiscard]] int listener_of(int socket);

/// An endpoint of a unix socket.
[[nodiscard]] Endpoint unix_endpoint(std::string path);

/// What an answer that is no success says: the "message" of its JSON, or its status.
[[nodiscard]] std::string refusal_text(const HttpAnswer& answer);

}  // namespace rouse::suspendd
