#pragma once

#include "base/async/task.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rouse {

/// The completion token of every asynchronous operation: `auto [error, n] = co_await
/// socket.async_read_some(buffer, use_task);`
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<Executor>> use_task;

}  // namespace rouse
