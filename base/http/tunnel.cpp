#include "base/http/tunnel.hpp"

#include "base/async/task_group.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <string>

namespace rouse {

namespace {

using Duration = std::chrono::steady_clock::duration;

/// One direction. One that breaks while it is read from cuts both streams. One that takes no more
/// may have sent all it has to say, which the other direction still passes on.
Task<void> copy(HttpStream& from, HttpStream& to, Duration idle_max, std::uint64_t& bytes) {
  for (;;) {
    const Result<std::string_view> piece = co_await from.read_body();
    if (!piece) break;
    // Either direction keeps both alive.
    from.expires_after(idle_max);
    to.expires_after(idle_max);
    const bool more = !piece->empty();
    bytes += piece->size();
    const Result<void> sent = co_await to.write_body(*piece, more);
    if (!sent || !more) co_return;
  }
  from.close(true);
  to.close(true);
}

}  // namespace

Task<TunnelBytes> tunnel(HttpStream& client, HttpStream& upstream, Duration idle_max) {
  client.become_tunnel();
  upstream.become_tunnel();
  client.expires_after(idle_max);
  upstream.expires_after(idle_max);
  TunnelBytes bytes;
  const auto executor = co_await asio::this_coro::executor;
  TaskGroup downward(executor, [&](const std::string&) {
    client.close(true);
    upstream.close(true);
  });
  downward.spawn(copy(upstream, client, idle_max, bytes.down));
  co_await copy(client, upstream, idle_max, bytes.up);
  co_await downward.join();
  if (downward.size() > 0) {
    // We were cancelled, which does not reach the other direction; it still uses what is ours.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    client.close(true);
    upstream.close(true);
    co_await downward.join();
  }
  co_return bytes;
}

}  // namespace rouse
