#pragma once

#include "base/async/task.hpp"
#include "base/http/message.hpp"
#include "base/result.hpp"

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace rouse {

class StreamDeadlines;
class TlsSession;

/// Why a head or a body was refused; each has an HTTP answer (status_for()).
enum class HttpErrc {
  BadMessage = 1,      ///< 400 in requests, 502 in responses
  HeadTooLarge,        ///< 431
  BodyTooLarge,        ///< 413
  UnsupportedCoding,   ///< 501: a transfer coding other than chunked
  UnsupportedVersion,  ///< 505
  Truncated,           ///< the peer closed inside a message
  Timeout,             ///< the deadline set by expires_after() passed: 408
};
[[nodiscard]] boost::system::error_code make_error_code(HttpErrc code);
[[nodiscard]] int status_for(const boost::system::error_code& code);  ///< 0 when it is not ours

struct HttpLimits {
  /// What a body may have whose type is @p content_type.
  [[nodiscard]] std::uint64_t most_of(std::string_view content_type) const;

  std::size_t head_max = 64 * 1024;
  std::uint64_t body_max = 64ULL * 1024 * 1024;  ///< requests; responses have no limit
  /// The same for a multipart form, which carries files.
  std::uint64_t form_max = 64ULL * 1024 * 1024;
  /// From a request's first byte to the end of its head; a slow one is a Timeout.
  std::chrono::milliseconds head_timeout{30'000};
  std::size_t buffer = 16 * 1024;  ///< read buffer, allocated on first use
};

/// HTTP/1.1 over one TCP or unix socket, as a server or as a client: heads whole, bodies piece by
/// piece, never more than one buffer in memory. Strict (RFC 9112): what is ambiguous is refused.
/// Beast's parser does the work behind this header and is seen nowhere else.
///
/// Single thread. One reader and one writer at a time. Not movable: held by unique_ptr.
class HttpStream {
 public:
  using Protocol = asio::generic::stream_protocol;
  using Socket = asio::basic_stream_socket<Protocol, Executor>;
  enum class Role { Server, Client };

  /// @p deadlines may be null (no timeouts); it outlives the stream.
  HttpStream(Socket socket, Role role, HttpLimits limits, StreamDeadlines* deadlines);
  ~HttpStream();
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;

  /// Makes this a TLS connection, before anything else is done with it: the handshake, which fails
  /// with HttpErrc::Timeout after @p limit (zero: never). Everything below works as without it. A
  /// server that hears TlsErrc::PlainHttp may still answer, in clear text.
  Task<Result<void>> secure(std::unique_ptr<TlsSession> session, std::chrono::milliseconds limit);
  [[nodiscard]] bool is_secure() const;

  // --- reading ---------------------------------------------------------------------------------

  /// Server: the next request's head; nullopt when the client closed between requests, or let the
  /// deadline pass without a byte of one.
  Task<Result<std::optional<RequestHead>>> read_request();

  /// Client: the next response's head that is not 1xx, except that 101 is returned; @p interim
  /// hears of the others. @p to_head: it answers a HEAD request and has no body, whatever its
  /// framing says. asio::error::eof: the server closed before the first byte.
  Task<Result<ResponseHead>> read_response(bool to_head,
                                           std::function<void(const ResponseHead&)> interim = {});

  /// The next piece of the body, valid until the next read; empty at its end. Trailers are dropped.
  /// A body that ends with the connection is Truncated where TLS was broken off below it.
  Task<Result<std::string_view>> read_body();

  /// True when the last piece returned was the end of the body (known without reading more).
  [[nodiscard]] bool body_done() const;

  /// Bytes that were read beyond the current message are waiting (pipelining, or stray).
  [[nodiscard]] bool has_buffered() const;

  /// Completes when the other side has gone away (FIN or RST), also while body bytes wait unread in
  /// the kernel; bytes that arrive meanwhile are kept for later. Ends with the cancellation of its
  /// caller, at the deadline, or at close() otherwise. Needs no reading, costs no system call.
  Task<void> wait_gone();

  /// The same as a call instead of a wait: @p call runs once, from the loop, when the other side
  /// has gone. Replaces an earlier one; an empty one takes it back. Costs one system call for the
  /// first of a connection.
  void on_gone(std::function<void()> call);

  // --- writing ---------------------------------------------------------------------------------

  /// Writes a head; fields must not hold Content-Length, Transfer-Encoding or Connection, they are
  /// made from @p framing, @p content_length and @p keep_alive of the head. The head goes out
  /// together with @p first in one call when possible. Unless @p more, the body ends with @p first.
  /// A response to HEAD, 204 or 304 goes out without what is given as its body; chunks to an
  /// HTTP/1.0 client become a body that ends with the connection. A connection that cannot go on
  /// says `Connection: close` whatever the head wants, and read_request() is nullopt then.
  Task<Result<void>> write_request(const RequestHead& head, std::string_view first, bool more);
  Task<Result<void>> write_response(const ResponseHead& head, std::string_view first, bool more);

  /// One piece of the body, framed as the head said. @p more false: the last one (it may be empty),
  /// its end mark in the same write.
  Task<Result<void>> write_body(std::string_view piece, bool more);

  /// The same, only if the bytes fit the socket's buffer now: for what is not worth waiting with,
  /// such as comments that keep a connection alive. False: nothing was written.
  [[nodiscard]] bool try_write_response(const ResponseHead& head, std::string_view first);
  [[nodiscard]] bool try_write_body(std::string_view piece);

  /// "HTTP/1.1 100 Continue"
  Task<Result<void>> write_continue();

  /// After a 101 in either role: what follows are bytes. read_body() and write_body() pass them on
  /// as they come; an empty piece is the other side's end, and a last write_body() is ours.
  void become_tunnel();

  // --- connection ------------------------------------------------------------------------------

  /// From now on every pending or later operation fails with HttpErrc::Timeout after @p d, until
  /// the next call. Resolution about 0.5 s; costs nothing per call.
  void expires_after(std::chrono::steady_clock::duration d);
  void expires_never();

  /// Client role: the answer has been read whole, and another request may follow it. The memory for
  /// reading is given back.
  [[nodiscard]] bool is_free();
  /// The same, before reuse: no EOF and no stray bytes are waiting either.
  [[nodiscard]] bool is_reusable();

  /// Reads and discards for a bounded time and amount, then closes: an early answer (413, 400) is
  /// otherwise lost to a reset (RFC 9112 §9.6).
  Task<void> linger_close();
  /// Closes at once; @p reset: with RST, so that the other side cannot take it for an end. TLS says
  /// its end only after whole messages.
  void close(bool reset = false);

  [[nodiscard]] Socket& socket() { return socket_; }

 private:
  friend class StreamDeadlines;
  struct Impl;
  Socket socket_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rouse
