#include "proxy/api/power_api.hpp"

#include "base/async/use_task.hpp"
#include "proxy/wire/refusal.hpp"

#include <boost/asio/this_coro.hpp>
#include <simdjson.h>

#include <chrono>

namespace rouse {

namespace {

constexpr auto kHeartbeat = std::chrono::seconds(4);  // promised: every 5 s

}  // namespace

Task<void> stream_power_events(HttpStream& client, const RequestHead& request, Proxy& proxy) {
  ResponseHead head = own_head(200, "text/event-stream");
  head.fields.add("cache-control", "no-cache");
  head.fields.add("x-accel-buffering", "no");
  head.framing = request.version == 10 ? Framing::UntilClose : Framing::Chunked;
  head.keep_alive = false;

  const auto executor = co_await asio::this_coro::executor;
  SteadyTimer bell(executor);
  bool gone = false;
  {
    EventHub::Listener listener(proxy.power.subscribers(), [&bell] { bell.cancel(); });
    client.on_gone([&] {
      gone = true;
      bell.cancel();
    });
    std::string piece = proxy.power.frame("snapshot");
    Result<void> sent = co_await client.write_response(head, piece, true);
    while (sent && !gone) {
      if (!listener.has_events()) {
        bell.expires_after(kHeartbeat);
        const auto [woken] = co_await bell.async_wait(use_task);
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) break;
        if (!woken) listener.add(": \n\n");
        continue;
      }
      piece = listener.take();
      sent = co_await client.write_body(piece, true);
    }
    client.on_gone(nullptr);
    if (sent && !gone) sent = co_await client.write_body(std::string_view(), false);
  }
  proxy.power.subscriber_left();
}

std::string take_power_ack(std::string_view body, Power& power) {
  simdjson::dom::parser parser;
  std::uint64_t epoch = 0;
  const simdjson::padded_string text(body);
  if (parser.parse(text).at_key("epoch").get(epoch) != simdjson::SUCCESS) {
    return R"(expected {"epoch": N}, the epoch of the announcement)";
  }
  power.acked(epoch);
  return {};
}

}  // namespace rouse
