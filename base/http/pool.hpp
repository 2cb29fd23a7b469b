#pragma once

#include "base/http/stream.hpp"
#include "base/net/endpoint.hpp"

#include <chrono>
#include <list>
#include <map>
#include <memory>

namespace rouse {

/// Client connections to engines, kept alive between requests. Single thread; destroyed when its
/// io_context no longer runs, or after clear().
class HttpPool {
 public:
  /// @p deadlines outlives the pool.
  HttpPool(Executor executor, HttpLimits limits, StreamDeadlines& deadlines);
  ~HttpPool();

  struct Lease {
    std::unique_ptr<HttpStream> stream;
    bool reused = false;  ///< it came from the pool: a close before any response byte may be stale
  };

  /// A pooled connection that is still good, or a new one. @p fresh: never a pooled one (the
  /// second attempt after a stale one). Fails after @p timeout (zero: the kernel's own limit), or
  /// when the handshake of an https:// endpoint takes longer than its own limit.
  Task<Result<Lease>> connect(Endpoint endpoint, std::chrono::milliseconds timeout, bool fresh);

  /// Keeps @p stream for the next request if it can be reused; closes it otherwise. Idle
  /// connections are closed after @p idle (llama-server's own limit is 5 s).
  void give_back(const Endpoint& endpoint, std::unique_ptr<HttpStream> stream,
                 std::chrono::milliseconds idle);

  /// Closes all idle connections to @p endpoint: its engine is about to stop.
  void forget(const Endpoint& endpoint);

  /// Closes all idle connections, and keeps no timer: for the end of the program.
  void clear();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rouse
