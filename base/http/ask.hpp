#pragma once

#include "base/async/task.hpp"
#include "base/http/message.hpp"
#include "base/net/endpoint.hpp"
#include "base/result.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace rouse {

class HttpPool;

/// One request, whole, and what to wait for.
struct HttpAsk {
  std::string method = "GET";
  Endpoint url;
  std::string target;  ///< path and query; empty: that of the url, or /
  Fields fields;       ///< Host is added where it is missing
  std::string body;
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds timeout{10'000};  ///< from then to the end of the answer
  std::size_t answer_max = 64 * 1024;         ///< of its body; beyond it the rest is not read
};

struct HttpAnswer {
  int status = 0;
  Fields fields;
  std::string body;
  int peer_pid = 0;  ///< who listens at the other end of a unix socket; 0: not known

  [[nodiscard]] bool ok() const { return status >= 200 && status < 300; }
};

/// Asks on a connection of its own, which is closed afterwards. Redirects are not followed.
/// @p pool, which only lends its TLS, outlives the call.
Task<Result<HttpAnswer>> http_ask(HttpPool& pool, HttpAsk ask);

}  // namespace rouse
