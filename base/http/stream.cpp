#include "base/http/stream.hpp"

#include "base/http/head.hpp"
#include "base/http/stream_impl.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>

#include <sys/socket.h>

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace rouse {
namespace {

/// The rest of a request's body is read and dropped up to this much to keep a connection alive.
constexpr std::size_t kDrainMax = 256 * 1024;
constexpr int kInterimMax = 32;

}  // namespace

void HttpStream::Impl::begin_response(const ResponseHead& head, bool bodiless) {
  wire.framing = head.framing;
  wire.length = head.content_length;
  // Who speaks HTTP/1.0 knows no chunks: the end of the connection is the end of the body.
  if (wire.framing == Framing::Chunked && wire.version < 11) wire.framing = Framing::UntilClose;
  const bool until_close = wire.framing == Framing::UntilClose && !bodiless;
  wire.keep_alive = head.keep_alive && request_keeps_alive && !closing && !until_close;
  if (!wire.keep_alive || head.status == 101) closing = true;
}

/// Adds @p piece to @p gather as the framing wants it. An error is not for what is gathered, which
/// is sent, but for what comes after it.
Result<void> HttpStream::Impl::frame(Gather& gather, std::string_view piece, bool more) {
  if (out_done) return {};
  if (!more) out_done = true;
  switch (out_framing) {
    case Framing::None:
      break;
    case Framing::Length:
      if (piece.size() > out_left) {
        gather.add(piece.substr(0, static_cast<std::size_t>(out_left)));
        return fail(Error{make_error_code(HttpErrc::BadMessage),
                          "writing a body that is longer than its Content-Length"});
      }
      gather.add(piece);
      out_left -= piece.size();
      if (!more && out_left > 0) {
        return fail(Error{make_error_code(HttpErrc::Truncated),
                          "writing a body that is shorter than its Content-Length"});
      }
      break;
    case Framing::Chunked:
      if (!piece.empty()) {
        const auto [end, error] =
            std::to_chars(size_line.data(), size_line.data() + 16, piece.size(), 16);
        const auto digits = static_cast<std::size_t>(end - size_line.data());
        size_line[digits] = '\r';
        size_line[digits + 1] = '\n';
        gather.add(std::string_view(size_line.data(), digits + 2));
        gather.add(piece);
        gather.add(more ? "\r\n" : "\r\n0\r\n\r\n");
      } else if (!more) {
        gather.add("0\r\n\r\n");
      }
      break;
    case Framing::UntilClose:
      gather.add(piece);
      break;
  }
  return {};
}

Task<Result<void>> HttpStream::Impl::send(Gather gather, Result<void> framed, Socket& socket) {
  if (!io.send_now(gather)) {
    auto sent = co_await io.send_rest(gather);
    if (!sent) co_return fail(sent.error());
  }
  if (!framed) co_return framed.error();
  if (out_done && out_framing == Framing::UntilClose) {
    if (io.is_tls()) co_await io.finish();
    boost::system::error_code ignored;
    socket.shutdown(asio::socket_base::shutdown_send, ignored);
  }
  co_return Result<void>();
}

HttpStream::HttpStream(Socket socket, Role role, HttpLimits limits, StreamDeadlines* deadlines)
    : socket_(std::move(socket)),
      impl_(std::make_unique<Impl>(socket_, role, limits,
                                   deadlines == nullptr ? nullptr : deadlines->impl_.get())) {}

HttpStream::~HttpStream() {
  if (impl_->io.is_tls() && impl_->out_done) impl_->io.say_end();
}

Task<Result<void>> HttpStream::secure(std::unique_ptr<TlsSession> session,
                                      std::chrono::milliseconds limit) {
  Impl& my = *impl_;
  if (limit.count() > 0) expires_after(limit);
  auto done = co_await my.io.handshake(std::move(session));
  expires_never();
  if (!done) co_return my.fail(done.error());
  co_return Result<void>();
}

bool HttpStream::is_secure() const {
  return impl_->io.is_tls();
}

Task<Result<std::optional<RequestHead>>> HttpStream::read_request() {
  using Head = std::optional<RequestHead>;
  Impl& my = *impl_;
  std::size_t drained = 0;
  if (!my.out_done || my.awaits_continue) my.closing = true;
  while (!my.closing && !my.body.is_done() && drained < kDrainMax) {
    auto piece = co_await read_body();
    if (!piece) co_return piece.error();
    drained += piece->size();
  }
  if (my.closing || !my.body.is_done()) {
    my.closing = true;
    co_return Head();
  }
  my.scanned = 0;
  bool timed = false;
  while (true) {
    auto parsed = parse_request_head(my.io.in.view(), my.limits, my.scanned);
    if (!parsed) co_return my.fail(parsed.error());
    if (*parsed) {
      my.io.in.consume((*parsed)->size);
      RequestHead& head = (*parsed)->head;
      my.begin_body(head.framing, head.content_length,
                    my.limits.most_of(head.fields.find("content-type").value_or("")));
      my.wire.to_head = head.method == "HEAD";
      my.wire.version = head.version;
      my.request_keeps_alive = head.keep_alive;
      my.awaits_continue = !my.body.is_done() && head.version >= 11 &&
                           head.fields.has_token("Expect", "100-continue");
      my.out_done = false;
      my.out_framing = Framing::None;
      co_return Head(std::move(head));
    }
    const bool idle = my.io.in.size() == 0;
    if (!idle && !timed) {
      // Who has begun must end; byte by byte for ever would hold a connection for nothing.
      timed = true;
      expires_after(my.limits.head_timeout);
    }
    auto n = co_await my.io.fill(idle);
    if (!n) {
      my.closing = true;
      // Who has asked for nothing is owed no answer, and might take one for that to its next
      // request.
      const bool is_late = n.error().code == make_error_code(HttpErrc::Timeout);
      if (idle && (is_late || n.error().code == asio::error::connection_reset)) co_return Head();
      co_return n.error();
    }
    if (*n == 0) {
      my.closing = true;
      if (my.io.in.size() == 0) co_return Head();
      co_return my.ended("reading a request's head");
    }
  }
}

Task<Result<ResponseHead>> HttpStream::read_response(
    bool to_head, std::function<void(const ResponseHead&)> interim) {
  Impl& my = *impl_;
  my.scanned = 0;
  int interim_heads = 0;
  while (true) {
    auto parsed = parse_response_head(my.io.in.view(), my.limits, my.scanned);
    if (!parsed) co_return my.fail(parsed.error());
    if (*parsed) {
      my.io.in.consume((*parsed)->size);
      ResponseHead& head = (*parsed)->head;
      my.begin_body(to_head ? Framing::None : head.framing, head.content_length,
                    std::numeric_limits<std::uint64_t>::max());
      if (head.status < 200 && head.status != 101) {
        if (++interim_heads <= kInterimMax) {
          if (interim) interim(head);
          continue;
        }
        co_return my.fail(
            Error{make_error_code(HttpErrc::BadMessage), "interim heads without end"});
      }
      if (!head.keep_alive || head.status == 101) my.closing = true;
      my.answered = true;
      co_return std::move(head);
    }
    auto n = co_await my.io.fill(my.io.in.size() == 0);
    if (!n) co_return my.fail(n.error());
    if (*n == 0) co_return my.fail(my.ended("reading a response's head"));
  }
}

Task<Result<std::string_view>> HttpStream::read_body() {
  Impl& my = *impl_;
  while (!my.body.is_done()) {
    if (my.io.in.size() > 0) {
      auto decoded = my.body.decode(my.io.in.data(), my.io.in.size());
      if (!decoded) co_return my.fail(decoded.error());
      my.awaits_continue = false;
      my.io.in.consume(decoded->consumed);
      if (!decoded->data.empty()) co_return decoded->data;
      continue;
    }
    auto n = co_await my.io.fill(false);
    if (!n) co_return my.fail(n.error());
    if (*n > 0) continue;
    my.closing = true;
    if (my.io.was_cut()) {
      co_return Error{make_error_code(HttpErrc::Truncated), "reading a body (TLS was broken off)"};
    }
    if (auto ended = my.body.finish(); !ended) co_return ended.error();
  }
  co_return std::string_view();
}

bool HttpStream::body_done() const {
  return impl_->body.is_done();
}

bool HttpStream::has_buffered() const {
  return impl_->io.in.size() > 0;
}

void HttpStream::on_gone(std::function<void()> call) {
  impl_->io.on_gone(std::move(call));
}

Task<void> HttpStream::wait_gone() {
  co_await impl_->io.wait_gone();
}

Task<Result<void>> HttpStream::write_request(const RequestHead& head, std::string_view first,
                                             bool more) {
  Impl& my = *impl_;
  my.head_text.clear();
  append_head(my.head_text, head);
  my.out_framing = head.framing == Framing::UntilClose ? Framing::None : head.framing;
  my.out_left = head.content_length;
  my.out_done = false;
  my.answered = false;
  if (!head.keep_alive) my.closing = true;
  Gather gather;
  gather.add(my.head_text);
  Result<void> framed = my.frame(gather, first, more);
  co_return co_await my.send(gather, std::move(framed), socket_);
}

/// Adds a response's head and the start of its body to @p gather.
Result<void> HttpStream::Impl::frame_response(Gather& gather, const ResponseHead& head,
                                              std::string_view first, bool more) {
  const bool interim = head.status < 200 && head.status != 101;
  const bool bodiless = wire.to_head || is_bodiless(head.status);
  head_text.clear();
  if (interim) {
    append_head(head_text, head, WireResponse());
    gather.add(head_text);
    return {};
  }
  begin_response(head, bodiless);
  append_head(head_text, head, wire);
  gather.add(head_text);
  out_framing = bodiless ? Framing::None : wire.framing;
  out_left = wire.length;
  out_done = false;
  return frame(gather, first, more);
}

/// Writes at once what is known to fit; a part of it would break the framing for good.
bool HttpStream::Impl::send_whole(Gather& gather) {
  if (io.send_now(gather)) return true;
  closing = true;
  io.close(true);
  return false;
}

Task<Result<void>> HttpStream::write_response(const ResponseHead& head, std::string_view first,
                                              bool more) {
  Gather gather;
  Result<void> framed = impl_->frame_response(gather, head, first, more);
  co_return co_await impl_->send(gather, std::move(framed), socket_);
}

bool HttpStream::try_write_response(const ResponseHead& head, std::string_view first) {
  if (!impl_->io.is_writable()) return false;
  Gather gather;
  const Result<void> framed = impl_->frame_response(gather, head, first, true);
  return framed && impl_->send_whole(gather);
}

bool HttpStream::try_write_body(std::string_view piece) {
  if (!impl_->io.is_writable()) return false;
  Gather gather;
  const Result<void> framed = impl_->frame(gather, piece, true);
  return framed && impl_->send_whole(gather);
}

Task<Result<void>> HttpStream::write_body(std::string_view piece, bool more) {
  Gather gather;
  Result<void> framed = impl_->frame(gather, piece, more);
  co_return co_await impl_->send(gather, std::move(framed), socket_);
}

Task<Result<void>> HttpStream::write_continue() {
  impl_->awaits_continue = false;
  Gather gather;
  gather.add("HTTP/1.1 100 Continue\r\n\r\n");
  co_return co_await impl_->send(gather, Result<void>(), socket_);
}

}  // namespace rouse
