#include "base/http_server.hpp"

#include "base/listen.hpp"
#include "base/stream_io.hpp"
#include "base/tls_error.hpp"
#include "base/use_task.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/this_coro.hpp>

#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace rouse {
namespace {

/// Connections taken per turn, so that a flood of them does not stop those being served.
constexpr int kAcceptsPerTurn = 64;
/// How long to wait for somebody to close a descriptor when there are none left.
constexpr std::chrono::milliseconds kPause{100};
/// More than these at once are closed without an answer.
constexpr std::size_t kRefusalsMax = 64;
constexpr std::chrono::seconds kRefusalTime{2};

constexpr std::chrono::seconds kHandshakeTime{10};
constexpr std::string_view kSpeakHttps =
    "this port speaks https: write https:// instead of http:// in the address\n";

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

  asio::posix::basic_stream_descriptor<Executor> descriptor;
  int family;
  const TlsContext* tls = nullptr;
  std::string unix_path;
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
  std::string address = socket->address;
  auto listener = std::make_shared<Listener>(group_.executor(), std::move(*socket));
  listener->tls = tls;
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
}

Task<void> HttpServer::accept_loop(std::shared_ptr<Listener> listener) {
  while (listener->descriptor.is_open()) {
    const auto state = co_await asio::this_coro::cancellation_state;
    if (is_cancelled(state)) co_return;
    auto [error] =
        co_await listener->descriptor.async_wait(asio::posix::descriptor_base::wait_read, use_task);
    if (error || !listener->descriptor.is_open()) co_return;
    if (accept_some(*listener)) continue;
    listener->pause.expires_after(kPause);
    co_await listener->pause.async_wait(use_task);
  }
}

bool HttpServer::accept_some(Listener& listener) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    sockaddr_storage remote{};
    socklen_t size = sizeof remote;
    const int fd =
        ::accept4(listener.descriptor.native_handle(), reinterpret_cast<sockaddr*>(&remote), &size,
                  SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd >= 0) {
      remote.ss_family = static_cast<sa_family_t>(listener.family);
      admit(fd, listener, address_text(remote));
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return false;
    // Anything else is the trouble of one connection that has gone already.
  }
  return true;
}

void HttpServer::admit(int fd, const Listener& listener, std::string remote_address) {
  const bool full = connections_ >= connections_max_;
  if (full && refusing_ >= kRefusalsMax) {
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
  if (full) {
    group_.spawn(refuse(std::move(stream), std::move(tls)));
  } else {
    group_.spawn(run(std::move(stream), std::move(remote_address), std::move(tls)));
  }
}

Task<bool> HttpServer::secure(HttpStream& stream, const std::string& remote_address,
                              std::unique_ptr<TlsSession> tls) {
  auto secured = co_await stream.secure(std::move(tls), kHandshakeTime);
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
                           std::unique_ptr<TlsSession> tls) {
  const Counted counted(connections_);
  if (tls != nullptr) {
    const bool secured = co_await secure(*stream, remote_address, std::move(tls));
    if (!secured) co_return;
  }
  co_await serve_(std::move(stream), std::move(remote_address));
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
