#pragma once

#include "base/async/task.hpp"
#include "base/http/pool.hpp"
#include "base/net/endpoint.hpp"
#include "base/result.hpp"

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

namespace rouse::suspendd {

struct HttpQuestion {
  Endpoint endpoint;
  std::string path;    ///< after the endpoint's own
  std::string bearer;  ///< Authorization: Bearer; empty: none
  std::chrono::milliseconds timeout{5'000};
  std::size_t body_max = 4 * 1024 * 1024;

  /// "http://127.0.0.1:8000/metrics", for reasons.
  [[nodiscard]] std::string text() const;
};

/// The body of the 200 that answers a GET on a connection of its own. Any other status, a body that
/// is too large and what fails on the way are errors that say who was asked for what.
Task<Result<std::string>> http_get(HttpPool& pool, HttpQuestion question);

/// The same, piece by piece, until @p takes says false (an answer that has no end of its own) or
/// the body ends. Who sends without end costs no more than body_max either.
Task<Result<void>> http_get_pieces(HttpPool& pool, HttpQuestion question,
                                   std::function<bool(std::string_view piece)> takes);

}  // namespace rouse::suspendd
