#include "base/http/server.hpp"

#include "base/async/use_task.hpp"
#include "base/http/stream_io.hpp"
#include "base/net/listen.hpp"
#include "base/net/peer_credentials.hpp"
#include "base/tls/error.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>

#include <linux/filter.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <utility>

namespace rouse {
namespace {

/// Connections taken per turn, so that a flood of them does not stop those being served.
constexpr int kAcceptsPerTurn = 64;
/// More than any listener's queue holds.
constexpr int kAcceptsAtEnd = 1 << 16;
/// How long to wait for somebody to close a descriptor when there are none left.
constexpr std::chrono::milliseconds kPause{100};
/// More than these at once are closed without an answer.
constexpr std::size_t kRefusalsMax = 64;
constexpr std::chrono::seconds kRefusalTime{2};

constexpr std::chrono::seconds kHandshakeTime{10};
constexpr std::string_view kSpeakHttps =
    "this port speaks https: write https:// instead of http:// in the address\n";

/// How long a handshake may be on its way that began before newcomers were kept out.
constexpr std::chrono::milliseconds kLastHandshakes{20};

constexpr std::string_view kRefusal =
    R"({"type":"error","error":{"type":"overloaded_error","message":"too many connections; )"
    R"(try again in a moment","code":"too_many_connections","param":null},"src":"rouse"})";

/// Counts one up while it lives.
class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::size_t& count_;
};

/// "[::1]:80" and "127.0.0.1:80" in parts.
std::string host_of(std::string_view address) {
  std::string_view host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

std::uint16_t port_of(std::string_view address) {
  const std::string_view text = address.substr(address.rfind(':') + 1);
  std::uint16_t port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port;
}

/// Lets the kernel drop every SYN that comes for @p listener, and nothing else: who is dropped
/// tries again within a second or so, and is refused then. A connection that the kernel has already
/// is not touched. (The filter of a TCP socket sees packets from their TCP header on: flags are
/// byte 13.)
void keep_out_newcomers(int listener) {
  constexpr std::uint32_t kFlags = 13;
  constexpr std::uint32_t kSyn = 0x02;
  constexpr std::uint32_t kWhole = 0xffffffff;
  std::array<sock_filter, 4> code{{{BPF_LD | BPF_B | BPF_ABS, 0, 0, kFlags},
                                   {BPF_JMP | BPF_JSET | BPF_K, 0, 1, kSyn},
                                   {BPF_RET | BPF_K, 0, 0, 0},
                                   {BPF_RET | BPF_K, 0, 0, kWhole}}};
  const sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  // Without it, a connection may come between the last accept and the close.
  ::setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

void let_in_newcomers(int listener) {
  const int ignored = 0;
  ::setsockopt(listener, SOL_SOCKET, SO_DETACH_FILTER, &ignored, sizeof ignored);
}

}  // namespace

struct HttpServer::Listener {
  Listener(Executor executor, ListeningSocket socket)
      : descriptor(executor, socket.fd.release()), family(socket.family), pause(executor) {}

  void close() {
    boost::system::error_code ignored;
    descriptor.close(ignored);
    pause.cancel();
    if (!unix_path.empty()) ::unlink(std::exchange(unix_path, std::string()).c_str());
  }

  [[nodiscard]] bool is_tcp() const { return family != AF_UNIX; }

  asio::posix::basic_stream_descriptor<Executor> descriptor;
  int family;
  const TlsContext* tls = nullptr;
  std::string unix_path;
  Place place;
  HangupWatch::Timer pause;
};

HttpServer::HttpServer(TaskGroup& group, Serve serve, HttpLimits limits, StreamDeadlines& deadlines,
                       std::size_t connections_max)
    : group_(group),
      serve_(std::move(serve)),
      limits_(limits),
      deadlines_(deadlines),
      connections_max_(connections_max) {}

HttpServer::~HttpServer() {
  stop_accepting();
}

Result<std::string> HttpServer::listen(const std::string& host, std::uint16_t port,
                                       const TlsContext* tls) {
  auto socket = listen_tcp(host, port);
  if (!socket) return socket.error();
  return listen(std::move(*socket), tls);
}

std::string HttpServer::listen(ListeningSocket socket, const TlsContext* tls) {
  std::string address = socket.address;
  auto listener = std::make_shared<Listener>(group_.executor(), std::move(socket));
  listener->tls = tls;
  listener->place = {host_of(address), port_of(address), tls};
  start(std::move(listener));
  return address;
}

Result<std::string> HttpServer::listen_unix(const std::string& path) {
  auto socket = listen_unix_path(path);
  if (!socket) return socket.error();
  std::string address = socket->address;
  auto listener = std::make_shared<Listener>(group_.executor(), std::move(*socket));
  listener->unix_path = path;
  start(std::move(listener));
  return address;
}

void HttpServer::start(std::shared_ptr<Listener> listener) {
  listeners_.push_back(listener);
  group_.spawn(accept_loop(std::move(listener)));
}

void HttpServer::stop_accepting() {
  for (const auto& listener : listeners_) listener->close();
  listeners_.clear();
  closed_.clear();
}

Task<void> HttpServer::pause() {
  paused_ = true;
  for (const auto& listener : listeners_) {
    if (listener->is_tcp()) keep_out_newcomers(listener->descriptor.native_handle());
  }
  HangupWatch::Timer timer(group_.executor());
  timer.expires_after(kLastHandshakes);
  co_await timer.async_wait(use_task);
  if (!paused_) co_return;
  for (const auto& listener : listeners_) {
    if (!listener->is_tcp()) continue;
    accept_some(*listener, kAcceptsAtEnd);
    listener->close();
    closed_.push_back(listener->place);
  }
  listeners_.remove_if([](const auto& listener) { return !listener->descriptor.is_open(); });
}

Result<void> HttpServer::resume() {
  paused_ = false;
  for (const auto& listener : listeners_) {
    if (listener->is_tcp()) let_in_newcomers(listener->descriptor.native_handle());
  }
  Result<void> outcome;
  for (const Place& place : std::exchange(closed_, {})) {
    if (auto opened = listen(place.host, place.port, place.tls); !opened) {
      closed_.push_back(place);
      outcome = opened.error();
    }
  }
  return outcome;
}

Task<void> HttpServer::accept_loop(std::shared_ptr<Listener> listener) {
  while (listener->descriptor.is_open()) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(state)) co_return;
    auto [error] =
        co_await listener->descriptor.async_wait(asio::posix::descriptor_base::wait_read, use_task);
    if (error || !listener->descriptor.is_open()) co_return;
    if (accept_some(*listener, kAcceptsPerTurn)) continue;
    listener->pause.expires_after(kPause);
    co_await listener->pause.async_wait(use_task);
  }
}

bool HttpServer::accept_some(Listener& listener, int n) {
  for (int i = 0; i < n; ++i) {
    sockaddr_storage remote{};
    socklen_t size = sizeof remote;
    const int fd =
        ::accept4(listener.descriptor.native_handle(), reinterpret_cast<sockaddr*>(&remote), &size,
                  SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      remote.ss_family = static_cast<sa_family_t>(listener.family);
      admit(fd, listener, remote);
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return false;
    // Anything else is the trouble of one connection that has gone already.
  }
  return true;
}

std::optional<AddressCount::Place> HttpServer::place_for(int fd, const sockaddr_storage& remote) {
  const bool is_full = connections_ >= connections_max_;
  if (remote.ss_family == AF_UNIX && per_user_ > 0) {
    const uid_t user = peer_user(fd);
    if (is_full && user != 0) return std::nullopt;
    return addresses_.take(user, per_user_);
  }
  if (is_full) return std::nullopt;
  return addresses_.take(remote, per_address_);
}

void HttpServer::admit(int fd, const Listener& listener, const sockaddr_storage& remote) {
  std::optional<AddressCount::Place> place = place_for(fd, remote);
  const bool is_lost =
      serve_beyond_ ? beyond_ >= beyond_max_ : refusing_ >= kRefusalsMax;  // if it has no place
  if (!place && is_lost) {
    ::close(fd);
    return;
  }
  const HttpStream::Protocol protocol(listener.family,
                                      listener.family == AF_UNIX ? 0 : IPPROTO_TCP);
  HttpStream::Socket socket(group_.executor());
  boost::system::error_code error;
  socket.assign(protocol, fd, error);
  if (error) {
    ::close(fd);
    return;
  }
  auto stream = std::make_unique<HttpStream>(std::move(socket), HttpStream::Role::Server, limits_,
                                             &deadlines_);
  std::unique_ptr<TlsSession> tls;
  if (listener.tls != nullptr) {
    tls = listener.tls->accept();
    if (tls == nullptr) return;  // nobody read the certificate
  }
  std::string address = address_text(remote);
  if (place) {
    group_.spawn(run(std::move(stream), std::move(address), std::move(tls), std::move(*place)));
  } else if (serve_beyond_) {
    group_.spawn(run_beyond(std::move(stream), std::move(address), std::move(tls)));
  } else {
    group_.spawn(refuse(std::move(stream), std::move(tls)));
  }
}

Task<bool> HttpServer::secure(HttpStream& stream, const std::string& remote_address,
                              std::unique_ptr<TlsSession> tls, std::chrono::milliseconds limit) {
  auto secured = co_await stream.secure(std::move(tls), limit);
  if (secured) co_return true;
  const Error& error = secured.error();
  if (bad_handshake_) bad_handshake_(remote_address, error);
  if (error.code != make_error_code(TlsErrc::PlainHttp)) co_return false;
  ResponseHead head;
  head.status = 400;
  head.keep_alive = false;
  head.framing = Framing::Length;
  head.content_length = kSpeakHttps.size();
  head.fields.add("Content-Type", "text/plain; charset=utf-8");
  stream.expires_after(kRefusalTime);
  auto sent = co_await stream.write_response(head, kSpeakHttps, false);
  if (sent) co_await stream.linger_close();
  co_return false;
}

Task<void> HttpServer::run(std::unique_ptr<HttpStream> stream, std::string remote_address,
                           std::unique_ptr<TlsSession> tls, AddressCount::Place place) {
  const AddressCount::Place held = std::move(place);
  const Counted counted(connections_);
  if (tls != nullptr) {
    const bool secured = co_await secure(*stream, remote_address, std::move(tls), kHandshakeTime);
    if (!secured) co_return;
  }
  co_await serve_(std::move(stream), std::move(remote_address));
}

Task<void> HttpServer::run_beyond(std::unique_ptr<HttpStream> stream, std::string remote_address,
                                  std::unique_ptr<TlsSession> tls) {
  const Counted counted(beyond_);
  if (tls != nullptr) {
    const bool secured = co_await secure(*stream, remote_address, std::move(tls), kRefusalTime);
    if (!secured) co_return;
  }
  co_await serve_beyond_(std::move(stream), std::move(remote_address));
}

Task<void> HttpServer::refuse(std::unique_ptr<HttpStream> stream, std::unique_ptr<TlsSession> tls) {
  const Counted counted(refusing_);
  if (tls != nullptr) {
    auto secured = co_await stream->secure(std::move(tls), kRefusalTime);
    if (!secured) co_return;
  }
  ResponseHead head;
  head.status = 503;
  head.keep_alive = false;
  head.framing = Framing::Length;
  head.content_length = kRefusal.size();
  head.fields.add("Content-Type", "application/json");
  head.fields.add("Retry-After", "1");
  stream->expires_after(kRefusalTime);
  auto sent = co_await stream->write_response(head, kRefusal, false);
  if (sent) co_await stream->linger_close();
}

}  // namespace rouse
