#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>

namespace rouse {

namespace asio = boost::asio;

/// Everything runs on the one thread of the one io_context; the concrete executor type saves the
/// type erasure of any_io_executor on every operation.
using Executor = asio::io_context::executor_type;

/// A coroutine. Only a TaskGroup starts one.
template <class T>
using Task = asio::awaitable<T, Executor>;

/// Whether a terminal cancellation has come.
[[nodiscard]] inline bool is_cancelled(const asio::cancellation_state& state) {
  return (state.cancelled() & asio::cancellation_type::terminal) != asio::cancellation_type::none;
}

/// The same for the coroutine that asks.
[[nodiscard]] inline Task<bool> is_cancelled() {
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  co_return is_cancelled(state);
}

}  // namespace rouse
