#include "base/http/connect.hpp"

#include "base/async/use_task.hpp"
#include "base/http/stream_io.hpp"
#include "base/posix.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace rouse {
namespace {

using Clock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
using Address = HttpStream::Protocol::endpoint;
using Resolver = asio::ip::basic_resolver<asio::ip::tcp, Executor>;

/// A look-up that nobody can stop: getaddrinfo() takes the time it takes. Shared by the one that
/// waits and by the handler, whichever ends last.
struct LookUp {
  explicit LookUp(const Executor& executor)
      : resolver(executor), ended(executor, Clock::time_point::max()) {}

  Resolver resolver;
  Timer ended;
  bool done = false;
  boost::system::error_code error;
  std::vector<Address> addresses;
};

/// A connection being made, and the timer that may end it; shared by both.
struct Attempt {
  explicit Attempt(const Executor& executor) : socket(executor), timer(executor) {}

  HttpStream::Socket socket;
  Timer timer;
  bool timed_out = false;
};

Error timed_out(std::string doing) {
  return Error{make_error_code(HttpErrc::Timeout), std::move(doing)};
}

void start(const std::shared_ptr<LookUp>& look_up, const Endpoint& endpoint) {
  look_up->resolver.async_resolve(
      endpoint.host, std::to_string(endpoint.port),
      asio::ip::resolver_base::numeric_service | asio::ip::resolver_base::address_configured,
      [look_up](const boost::system::error_code& error, const Resolver::results_type& results) {
        look_up->done = true;
        look_up->error = error;
        for (const auto& each : results) look_up->addresses.emplace_back(each.endpoint());
        look_up->ended.cancel();
      });
}

/// What needs no look-up; empty otherwise.
std::vector<Address> known_addresses(const Endpoint& endpoint) {
  using asio::ip::tcp;
  std::vector<Address> addresses;
  if (!endpoint.unix_path.empty()) {
    addresses.emplace_back(asio::local::stream_protocol::endpoint(endpoint.unix_path));
  } else if (endpoint.host == "localhost") {
    addresses.emplace_back(tcp::endpoint(asio::ip::address_v4::loopback(), endpoint.port));
    addresses.emplace_back(tcp::endpoint(asio::ip::address_v6::loopback(), endpoint.port));
  } else {
    boost::system::error_code error;
    const auto address = asio::ip::make_address(endpoint.host, error);
    if (!error) addresses.emplace_back(tcp::endpoint(address, endpoint.port));
  }
  return addresses;
}

Task<Result<std::vector<Address>>> resolve(Executor executor, const Endpoint& endpoint,
                                           Clock::time_point until, const std::string& doing) {
  std::vector<Address> known = known_addresses(endpoint);
  if (!known.empty()) co_return known;
  const auto look_up = std::make_shared<LookUp>(executor);
  look_up->ended.expires_at(until);
  start(look_up, endpoint);
  while (!look_up->done) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(state)) {
      look_up->resolver.cancel();
      co_return Error{asio::error::operation_aborted, doing};
    }
    if (Clock::now() >= until) {
      look_up->resolver.cancel();
      co_return timed_out(doing + " (looking up its name)");
    }
    co_await look_up->ended.async_wait(use_task);
  }
  if (look_up->error) co_return Error{look_up->error, doing};
  if (look_up->addresses.empty()) co_return Error{asio::error::host_not_found, doing};
  co_return look_up->addresses;
}

Task<Result<HttpStream::Socket>> connect_one(Executor executor, Address address,
                                             Clock::time_point until, const std::string& doing) {
  const auto attempt = std::make_shared<Attempt>(executor);
  const HttpStream::Protocol protocol = address.protocol();
  UniqueFd fd(::socket(protocol.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) co_return errno_error(doing);
  boost::system::error_code error;
  attempt->socket.assign(protocol, fd.get(), error);
  if (error) co_return Error{error, doing};
  static_cast<void>(fd.release());
  if (until != Clock::time_point::max()) {
    attempt->timer.expires_at(until);
    attempt->timer.async_wait([attempt](const boost::system::error_code& stopped) {
      if (stopped) return;
      attempt->timed_out = true;
      boost::system::error_code ignored;
      attempt->socket.cancel(ignored);
    });
  }
  auto [failed] = co_await attempt->socket.async_connect(address, use_task);
  attempt->timer.cancel();
  if (failed && attempt->timed_out) co_return timed_out(doing);
  if (failed) co_return Error{failed, doing};
  if (protocol.family() != AF_UNIX) {
    attempt->socket.set_option(asio::ip::tcp::no_delay(true), error);
  }
  co_return std::move(attempt->socket);
}

/// So that nobody waits for a machine that has fallen asleep, and nothing that was given up arrives
/// there later.
void watch_for_sleep(HttpStream::Socket& socket) {
  const int fd = socket.native_handle();
  const auto set = [fd](int level, int option, unsigned value) {
    static_cast<void>(::setsockopt(fd, level, option, &value, sizeof value));
  };
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 5'000);  // ms
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
}

}  // namespace

Task<Result<HttpStream::Socket>> connect_to(Executor executor, Endpoint endpoint,
                                            std::chrono::milliseconds timeout) {
  const std::string doing = "connecting to " + endpoint.authority();
  co_await asio::this_coro::throw_if_cancelled(false);
  const auto until = timeout.count() > 0 ? Clock::now() + timeout : Clock::time_point::max();
  auto addresses = co_await resolve(executor, endpoint, until, doing);
  if (!addresses) co_return addresses.error();
  Error last;
  for (const Address& address : *addresses) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(state)) co_return Error{asio::error::operation_aborted, doing};
    auto socket = co_await connect_one(executor, address, until, doing);
    if (socket) {
      if (endpoint.may_sleep && address.protocol().family() != AF_UNIX) watch_for_sleep(*socket);
      co_return std::move(*socket);
    }
    last = socket.error();
    if (last.code == make_error_code(HttpErrc::Timeout)) break;
  }
  co_return last;
}

}  // namespace rouse
