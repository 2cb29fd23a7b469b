#include "proxy/request/beyond.hpp"

#include "proxy/access/rights.hpp"
#include "proxy/request/session.hpp"
#include "proxy/wire/error_body.hpp"
#include "proxy/wire/route.hpp"

#include <chrono>
#include <utility>
#include <variant>

namespace rouse {

namespace {

/// All together, and of them those who have not said yet what they want.
constexpr std::size_t kMost = 256;
constexpr std::size_t kSilentMost = 64;
constexpr std::chrono::seconds kBeyondPatience{2};

bool is_let_in(const RequestHead& request, const Proxy& proxy) {
  const wire::RouteMatch match = wire::match_route(request.method, request.path());
  if (match.route == nullptr) return false;
  if (match.route->is_health()) return true;
  const Right right = right_of(*match.route);
  if (proxy.config->keys.empty() || !right.scope) return false;
  auto judged = proxy.keys.authorise(request.fields, *right.scope);
  return std::holds_alternative<Caller>(judged);
}

Task<void> send_away(HttpStream& client, const RequestHead& request) {
  wire::ErrorText text;
  text.message = "too many connections (limits.connectionsMax); try again in a moment";
  text.code = "too_many_connections";
  ResponseHead head = error_head(503, 1);
  const std::string body = error_body(head, text, request.fields);
  head.keep_alive = false;
  const Result<void> sent = co_await client.write_response(head, body, false);
  if (sent) co_await client.linger_close();
}

}  // namespace

/// A place in the list while it lives.
class BeyondPlaces::Silent {
 public:
  Silent(std::list<HttpStream*>& all, HttpStream& client)
      : all_(all), place_(all.insert(all.end(), &client)) {
    // Its task, and so its place, ends later; until then it stands at the end.
    if (all.size() <= kSilentMost) return;
    all.front()->close();
    all.splice(all.end(), all, all.begin());
  }
  ~Silent() { all_.erase(place_); }
  Silent(const Silent&) = delete;
  Silent& operator=(const Silent&) = delete;

 private:
  std::list<HttpStream*>& all_;
  std::list<HttpStream*>::iterator place_;
};

void BeyondPlaces::take_over(HttpServer& server, Proxy& proxy) {
  server.serve_beyond(
      [this, &proxy](std::unique_ptr<HttpStream> client, std::string remote) {
        return serve(std::move(client), std::move(remote), proxy);
      },
      kMost);
}

Task<void> BeyondPlaces::serve(std::unique_ptr<HttpStream> client, std::string remote,
                               Proxy& proxy) {
  client->expires_after(kBeyondPatience);
  auto silent = std::make_unique<Silent>(silent_, *client);
  Result<std::optional<RequestHead>> request = co_await client->read_request();
  silent.reset();
  if (!request || !*request) co_return;
  if (!is_let_in(**request, proxy)) {
    client->expires_after(kBeyondPatience);
    co_await send_away(*client, **request);
    co_return;
  }
  client->expires_never();
  (*request)->keep_alive = false;
  co_await serve_one(*client, std::move(**request), remote, proxy);
}

}  // namespace rouse
