#include "base/http/pool.hpp"

#include "base/http/connect.hpp"
#include "base/tls/context.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <utility>

namespace rouse {
namespace {

constexpr std::size_t kIdleMax = 64;  ///< per endpoint
constexpr std::chrono::milliseconds kSweep{1000};

}  // namespace

struct HttpPool::Impl {
  using Clock = std::chrono::steady_clock;
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
  struct Idle {
    std::unique_ptr<HttpStream> stream;
    Clock::time_point until;
  };

  Impl(Executor the_executor, HttpLimits the_limits, StreamDeadlines& the_deadlines)
      : executor(the_executor), limits(the_limits), deadlines(the_deadlines), timer(executor) {}

  /// The youngest idle connection to @p endpoint that is good, or null. The others are closed.
  std::unique_ptr<HttpStream> take(const Endpoint& endpoint) {
    const auto it = idle.find(endpoint);
    if (it == idle.end()) return nullptr;
    std::unique_ptr<HttpStream> good;
    while (good == nullptr && !it->second.empty()) {
      Idle last = std::move(it->second.back());
      it->second.pop_back();
      if (last.until > Clock::now() && last.stream->is_reusable()) good = std::move(last.stream);
    }
    if (it->second.empty()) idle.erase(it);
    return good;
  }

  /// Closes what has been idle for too long, again and again while anything is idle.
  void sweep_later() {
    if (sweeping || idle.empty()) return;
    sweeping = true;
    timer.expires_after(kSweep);
    timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      sweeping = false;
      sweep();
      sweep_later();
    });
  }

  void sweep() {
    const auto now = Clock::now();
    for (auto it = idle.begin(); it != idle.end();) {
      std::list<Idle>& streams = it->second;
      streams.remove_if(
          [now](Idle& each) { return each.until <= now || !each.stream->is_reusable(); });
      it = streams.empty() ? idle.erase(it) : std::next(it);
    }
  }

  Executor executor;
  HttpLimits limits;
  StreamDeadlines& deadlines;
  Timer timer;
  bool sweeping = false;
  std::map<Endpoint, std::list<Idle>> idle;
  TlsClient tls;
};

HttpPool::HttpPool(Executor executor, HttpLimits limits, StreamDeadlines& deadlines)
    : impl_(std::make_unique<Impl>(std::move(executor), limits, deadlines)) {}

HttpPool::~HttpPool() = default;

Task<Result<HttpPool::Lease>> HttpPool::connect(Endpoint endpoint,
                                                std::chrono::milliseconds timeout, bool fresh) {
  Lease lease;
  if (!fresh) lease.stream = impl_->take(endpoint);
  if (lease.stream != nullptr) {
    lease.reused = true;
    co_return lease;
  }
  std::unique_ptr<TlsSession> session;
  std::string doing;
  const std::chrono::milliseconds tls_timeout = endpoint.tls_timeout;
  if (endpoint.tls) {
    doing = "connecting to https://" + endpoint.authority();
    auto made = impl_->tls.connect(endpoint.trust, endpoint.host);
    if (!made) co_return Error{made.error().code, doing + ": " + made.error().doing};
    session = std::move(*made);
  }
  auto socket = co_await connect_to(impl_->executor, std::move(endpoint), timeout);
  if (!socket) co_return socket.error();
  lease.stream = std::make_unique<HttpStream>(std::move(*socket), HttpStream::Role::Client,
                                              impl_->limits, &impl_->deadlines);
  if (session != nullptr) {
    auto secured = co_await lease.stream->secure(std::move(session), tls_timeout);
    if (!secured) co_return Error{secured.error().code, doing};
  }
  co_return lease;
}

void HttpPool::give_back(const Endpoint& endpoint, std::unique_ptr<HttpStream> stream,
                         std::chrono::milliseconds idle) {
  // Whether the other side has closed it is asked before it is used, which may be much later.
  if (stream == nullptr || idle.count() <= 0 || !stream->is_free()) return;
  stream->expires_never();
  std::list<Impl::Idle>& streams = impl_->idle[endpoint];
  if (streams.size() >= kIdleMax) streams.pop_front();
  // "For ever" must not overflow the clock.
  const auto bounded = std::min<std::chrono::milliseconds>(idle, std::chrono::hours(24));
  streams.push_back(Impl::Idle{std::move(stream), Impl::Clock::now() + bounded});
  impl_->sweep_later();
}

void HttpPool::forget(const Endpoint& endpoint) {
  const auto it = impl_->idle.find(endpoint);
  if (it == impl_->idle.end()) return;
  // Nothing of ours may lie in wait for a machine that sleeps.
  if (endpoint.may_sleep) {
    for (Impl::Idle& each : it->second) each.stream->close(true);
  }
  impl_->idle.erase(it);
}

void HttpPool::clear() {
  impl_->idle.clear();
  impl_->sweeping = false;
  impl_->timer.cancel();
}

}  // namespace rouse
