#pragma once

#include "base/http/stream.hpp"
#include "base/net/endpoint.hpp"

#include <chrono>

namespace rouse {

/// Connects to @p endpoint, without TLS: one address of its host after the other. Names but
/// "localhost" are resolved on Asio's own thread. Fails with HttpErrc::Timeout after @p timeout
/// (zero: the kernel's own limit).
Task<Result<HttpStream::Socket>> connect_to(Executor executor, Endpoint endpoint,
                                            std::chrono::milliseconds timeout);

}  // namespace rouse
