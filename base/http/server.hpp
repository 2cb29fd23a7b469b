#pragma once

#include "base/async/task_group.hpp"
#include "base/http/address_count.hpp"
#include "base/http/stream.hpp"
#include "base/net/listen.hpp"
#include "base/result.hpp"
#include "base/tls/context.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>

namespace rouse {

/// Accepts connections and runs one task of its group for each. Single thread; outlives the tasks
/// of the group.
class HttpServer {
 public:
  /// Serves one connection until it is closed. @p remote_address is the client's address without
  /// its port; "unix" for a unix socket.
  using Serve =
      std::function<Task<void>(std::unique_ptr<HttpStream> stream, std::string remote_address)>;

  /// @p group and @p deadlines outlive the server. Beyond @p connections_max a connection gets a
  /// 503 with Retry-After and is closed.
  HttpServer(TaskGroup& group, Serve serve, HttpLimits limits, StreamDeadlines& deadlines,
             std::size_t connections_max);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Listens on @p host, an address or a name (empty: all addresses of this machine), and returns
  /// the address with the real port: "127.0.0.1:8080". @p port 0: one that is free. May be called
  /// for several addresses. With @p tls, which outlives the server, all connections are https: a
  /// client has 10 s for the handshake, and one that speaks plain HTTP is told so.
  Result<std::string> listen(const std::string& host, std::uint16_t port,
                             const TlsContext* tls = nullptr);
  /// The same at a socket that listens already, of listen_tcp(): from now on it is served.
  std::string listen(ListeningSocket socket, const TlsContext* tls = nullptr);
  /// Listens on a unix socket; takes the place of a socket file that nobody listens on any more.
  Result<std::string> listen_unix(const std::string& path);

  /// Calls @p call for each client whose handshake fails: its address, and why.
  void on_bad_handshake(std::function<void(const std::string&, const Error&)> call) {
    bad_handshake_ = std::move(call);
  }

  /// Who comes beyond connections_max is served by @p serve instead of being refused, so that it
  /// can still be told apart who it is; more than @p most at once are closed without a word.
  void serve_beyond(Serve serve, std::size_t most) {
    serve_beyond_ = std::move(serve);
    beyond_max_ = most;
  }

  /// Closes the listening sockets; connections live on. Their files are removed.
  void stop_accepting();

  /// Closes the TCP listeners so that no connection is lost between kernel and us: newcomers are
  /// kept out (their SYN is dropped), those that are there already are taken and served, and only
  /// then connects are refused. Returns when they are, or when resume() was called meanwhile. Unix
  /// sockets stay open.
  Task<void> pause();
  /// Listens again where pause() has stopped to. An error says where it was not possible; the other
  /// listeners are open, and it may be called again.
  Result<void> resume();

  /// For connections that come from now on. Of one address (of IPv6: of one network of 64 bits)
  /// there are @p per_address at most, 0: as many as there are of all; this machine's own do not
  /// count.
  void set_limits(HttpLimits limits, std::size_t connections_max, std::size_t per_address = 0) {
    limits_ = limits;
    connections_max_ = connections_max;
    per_address_ = per_address;
  }
  /// The same bound for each user at the other end of a unix socket, 0: none. With it root, which
  /// has to be heard whoever else crowds in, has a place beyond connections_max, too.
  void limit_users(std::size_t per_user) { per_user_ = per_user; }

  [[nodiscard]] std::size_t connections() const { return connections_; }

 private:
  struct Listener;
  Task<void> accept_loop(std::shared_ptr<Listener> listener);
  /// Takes what waits in the kernel's queue, @p n at most; false when the process has no room for
  /// more.
  bool accept_some(Listener& listener, int n);
  /// nullopt: there is none for it.
  std::optional<AddressCount::Place> place_for(int fd, const sockaddr_storage& remote);
  void admit(int fd, const Listener& listener, const sockaddr_storage& remote);
  Task<void> run(std::unique_ptr<HttpStream> stream, std::string remote_address,
                 std::unique_ptr<TlsSession> tls, AddressCount::Place place);
  Task<void> run_beyond(std::unique_ptr<HttpStream> stream, std::string remote_address,
                        std::unique_ptr<TlsSession> tls);
  Task<void> refuse(std::unique_ptr<HttpStream> stream, std::unique_ptr<TlsSession> tls);
  /// The handshake; false when there is nobody to talk to.
  Task<bool> secure(HttpStream& stream, const std::string& remote_address,
                    std::unique_ptr<TlsSession> tls, std::chrono::milliseconds limit);
  void start(std::shared_ptr<Listener> listener);

  /// Where a listener was that pause() has closed.
  struct Place {
    std::string host;
    std::uint16_t port = 0;
    const TlsContext* tls = nullptr;
  };

  TaskGroup& group_;
  Serve serve_;
  HttpLimits limits_;
  StreamDeadlines& deadlines_;
  std::size_t connections_max_;
  std::size_t per_address_ = 0;
  std::size_t per_user_ = 0;
  std::size_t connections_ = 0;
  AddressCount addresses_;
  std::size_t refusing_ = 0;
  Serve serve_beyond_;
  std::size_t beyond_max_ = 0;
  std::size_t beyond_ = 0;
  std::function<void(const std::string&, const Error&)> bad_handshake_;
  std::list<std::shared_ptr<Listener>> listeners_;  ///< shared with the task that accepts
  std::list<Place> closed_;                         ///< by pause()
  bool paused_ = false;
};

}  // namespace rouse
