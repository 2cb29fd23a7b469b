#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace rouse {

namespace asio = boost::asio;

/// Everything runs on the one thread of the one io_context; the concrete executor type saves the
/// type erasure of any_io_executor on every operation.
using Executor = asio::io_context::executor_type;

/// A coroutine. Only a TaskGroup starts one.
template <class T>
using Task = asio::awaitable<T, Executor>;

}  // namespace rouse
