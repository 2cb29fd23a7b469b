#include "proxy/api/log_stream.hpp"

#include "base/async/use_task.hpp"
#include "proxy/wire/refusal.hpp"

#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include <utility>

namespace rouse {

namespace {

constexpr std::size_t kBacklogMax = 256 * 1024;

/// What one follower has still to send.
struct Backlog {
  std::string bytes;
  std::size_t lost = 0;
  bool gone = false;

  void add(std::string_view more) {
    if (bytes.size() + more.size() > kBacklogMax) {
      lost += more.size();
      return;
    }
    if (lost > 0)
      bytes += fmt::format("\n--- {} bytes were lost here ---\n", std::exchange(lost, 0));
    bytes += more;
  }
};

}  // namespace

LogRing* find_log(const std::string& name, const Caller& caller, Proxy& proxy) {
  if (proxy.keys.may_use_all(caller)) {
    if (name.empty()) return &proxy.logs.mux;
    if (name == "proxy") return &proxy.logs.proxy;
    if (name == "upstream") return &proxy.logs.upstream;
  }
  const ModelConfig* model = proxy.config->find_model(name);
  return model == nullptr || !proxy.keys.may_use(caller, model->id, name)
             ? nullptr
             : proxy.dispatcher.engine_log(model->id);
}

Task<void> stream_log(HttpStream& client, const RequestHead& request, LogRing& ring,
                      bool with_history) {
  ResponseHead head = own_head(200, "text/plain; charset=utf-8");
  head.fields.add("cache-control", "no-cache");
  head.fields.add("x-accel-buffering", "no");
  head.framing = request.version == 10 ? Framing::UntilClose : Framing::Chunked;
  head.keep_alive = false;

  const auto executor = co_await asio::this_coro::executor;
  SteadyTimer bell(executor, SteadyTimer::time_point::max());
  Backlog backlog;
  if (with_history) backlog.bytes = ring.text();
  const LogRing::Follow follow = ring.follow([&](std::string_view bytes) {
    backlog.add(bytes);
    bell.cancel();
  });
  client.on_gone([&] {
    backlog.gone = true;
    bell.cancel();
  });
  std::string piece = std::exchange(backlog.bytes, {});
  Result<void> sent = co_await client.write_response(head, piece, true);
  while (sent && !backlog.gone) {
    if (backlog.bytes.empty()) {
      co_await bell.async_wait(use_task);
      // Our own ring of the bell is an abort too; a cancelled task has its state set.
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) break;
      continue;
    }
    piece = std::exchange(backlog.bytes, {});
    sent = co_await client.write_body(piece, true);
  }
  client.on_gone(nullptr);
  if (sent && !backlog.gone) sent = co_await client.write_body(std::string_view(), false);
}

}  // namespace rouse
