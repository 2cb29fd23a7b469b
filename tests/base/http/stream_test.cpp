#include "base/http/stream.hpp"

#include "tests/base/http/stream_fixture.hpp"

#include <boost/asio/error.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace rouse {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Role = HttpStream::Role;

class HttpStreamTest : public StreamFixture {
 protected:
  RequestHead request() {
    auto head = run(stream_->read_request());
    EXPECT_TRUE(head) << head.error().message();
    EXPECT_TRUE(*head) << "closed";
    return head && *head ? std::move(**head) : RequestHead();
  }
  bool closed_between_requests() {
    auto head = run(stream_->read_request());
    return head && !*head;
  }
  boost::system::error_code request_error() {
    auto head = run(stream_->read_request());
    EXPECT_FALSE(head);
    return head ? boost::system::error_code() : head.error().code;
  }
  void respond(std::string_view body, bool keep_alive = true) {
    ResponseHead head;
    head.framing = Framing::Length;
    head.content_length = body.size();
    head.keep_alive = keep_alive;
    auto sent = run(stream_->write_response(head, body, false));
    EXPECT_TRUE(sent) << sent.error().message();
  }
  void ask(const std::string& method = "GET") {
    RequestHead head;
    head.method = method;
    head.target = "/";
    head.fields.add("Host", "h");
    auto sent = run(stream_->write_request(head, "", false));
    EXPECT_TRUE(sent);
  }
  std::string body() { return run(whole_body(*stream_)); }
};

// --- as a server ---------------------------------------------------------------------------------

TEST_F(HttpStreamTest, ServesOneRequestAfterAnotherOnOneConnection) {
  connect_tcp(Role::Server);
  for (int i = 0; i < 3; ++i) {
    say("POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    EXPECT_EQ(request().target, "/x");
    EXPECT_EQ(body(), "hello");
    EXPECT_TRUE(stream_->body_done());
    respond("ok");
    EXPECT_THAT(heard(), EndsWith("Content-Length: 2\r\n\r\nok"));
  }
  hang_up();
  EXPECT_TRUE(closed_between_requests());
}

TEST_F(HttpStreamTest, PipelinedRequestsAreKept) {
  connect_tcp(Role::Server);
  say("POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\nHost: "
      "h\r\n\r\n");
  EXPECT_EQ(request().target, "/1");
  EXPECT_EQ(body(), "ab");
  EXPECT_TRUE(stream_->has_buffered());
  respond("");
  EXPECT_EQ(request().target, "/2");
  EXPECT_FALSE(stream_->has_buffered());
}

TEST_F(HttpStreamTest, AnUnreadBodyIsDroppedBeforeTheNextRequest) {
  connect_tcp(Role::Server);
  say("POST /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  request();
  respond("");
  say("0\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(request().target, "/2");
}

TEST_F(HttpStreamTest, ABodyTooLongToDropEndsTheConnection) {
  connect_unix(Role::Server);
  say("POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
  request();
  respond("");
  bool closed = false;
  group_.spawn(keep_done(
      [](HttpStream& stream, bool& was_closed) -> Task<void> {
        auto head = co_await stream.read_request();
        was_closed = head && !*head;
      }(*stream_, closed),
      closed));
  std::size_t sent = 0;
  const std::string piece(10000, 'x');
  EXPECT_TRUE(run_until([&] {
    const ssize_t n = ::send(peer_.get(), piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) sent += static_cast<std::size_t>(n);
    return closed || sent > 900000;
  }));
  EXPECT_TRUE(closed);
}

TEST_F(HttpStreamTest, AClientThatAwaitsContinueGetsItOrIsClosed) {
  connect_tcp(Role::Server);
  const std::string head =
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
  say(head);
  request();
  EXPECT_TRUE(run(stream_->write_continue()));
  EXPECT_EQ(heard(), "HTTP/1.1 100 Continue\r\n\r\n");
  say("ab");
  EXPECT_EQ(body(), "ab");
  respond("");
  say(head);
  request();
  respond("");
  EXPECT_TRUE(closed_between_requests());
}

TEST_F(HttpStreamTest, ChunksAreReadWhereverTheyAreCut) {
  const std::string chunks = "5;x=y\r\nhello\r\n1\r\n \r\n00A\r\n0123456789\r\n0\r\nX-T: v\r\n\r\n";
  const std::string text =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks;
  for (std::size_t cut = 1; cut < text.size(); ++cut) {
    connect_unix(Role::Server);
    say(text.substr(0, cut));
    std::optional<Result<std::optional<RequestHead>>> head;
    group_.spawn(keep(stream_->read_request(), head));
    io_.restart();
    io_.poll();
    EXPECT_EQ(head.has_value(), cut >= text.size() - chunks.size());
    std::optional<std::string> whole;
    if (head) {
      group_.spawn(keep(whole_body(*stream_), whole));
      io_.poll();
    }
    say(text.substr(cut));
    if (!whole) {
      ASSERT_TRUE(run_until([&] { return head.has_value(); })) << cut;
      if (cut < text.size() - chunks.size()) group_.spawn(keep(whole_body(*stream_), whole));
    }
    ASSERT_TRUE(run_until([&] { return whole.has_value(); })) << cut;
    EXPECT_EQ(*whole, "hello 0123456789") << cut;
    EXPECT_TRUE(head && *head && **head && !(**head)->fields.contains("X-T"));
    EXPECT_FALSE(stream_->has_buffered());
  }
}

TEST_F(HttpStreamTest, SmallChunksThatArriveTogetherAreOnePieceThatKnowsItIsTheLast) {
  connect_tcp(Role::Server);
  say("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
      "chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n");
  request();
  auto piece = run(stream_->read_body());
  ASSERT_TRUE(piece);
  EXPECT_EQ(*piece, "ab");
  EXPECT_TRUE(stream_->body_done());
}

TEST_F(HttpStreamTest, ChunksAreWrittenAndEndedInOnePieceEach) {
  connect_tcp(Role::Server);
  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  request();
  ResponseHead head;
  head.framing = Framing::Chunked;
  EXPECT_TRUE(run(stream_->write_response(head, "first", true)));
  EXPECT_THAT(heard(), EndsWith("Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"));
  EXPECT_TRUE(run(stream_->write_body("0123456789abcdef", true)));
  EXPECT_EQ(heard(), "10\r\n0123456789abcdef\r\n");
  EXPECT_TRUE(run(stream_->write_body("", true)));
  EXPECT_EQ(heard(), "");
  EXPECT_TRUE(run(stream_->write_body("z", false)));
  EXPECT_EQ(heard(), "1\r\nz\r\n0\r\n\r\n");
  EXPECT_TRUE(run(stream_->write_body("", false)));
  EXPECT_EQ(heard(), "");
}

TEST_F(HttpStreamTest, AnHttp10ClientGetsChunksAsABodyThatEndsWithTheConnection) {
  connect_tcp(Role::Server);
  say("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  request();
  ResponseHead head;
  head.framing = Framing::Chunked;
  EXPECT_TRUE(run(stream_->write_response(head, "one", true)));
  EXPECT_TRUE(run(stream_->write_body("two", false)));
  const std::string text = heard_to_end();
  EXPECT_THAT(text, EndsWith("Connection: close\r\n\r\nonetwo"));
  EXPECT_THAT(text, Not(HasSubstr("chunked")));
  EXPECT_TRUE(closed_between_requests());
}

TEST_F(HttpStreamTest, AnHttp10ClientMayKeepItsConnection) {
  connect_tcp(Role::Server);
  say("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  request();
  respond("x");
  EXPECT_THAT(heard(), HasSubstr("Connection: keep-alive\r\n"));
  say("GET / HTTP/1.0\r\n\r\n");
  EXPECT_FALSE(request().keep_alive);
  respond("x");
  EXPECT_THAT(heard(), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(closed_between_requests());
}

TEST_F(HttpStreamTest, AResponseToHeadHasTheLengthButNoBody) {
  connect_tcp(Role::Server);
  say("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  request();
  respond("hello");
  EXPECT_THAT(heard(), EndsWith("Content-Length: 5\r\n\r\n"));
  EXPECT_EQ(request().method, "GET");
}

TEST_F(HttpStreamTest, NoContentAndNotModifiedHaveNoBody) {
  connect_tcp(Role::Server);
  for (const int status : {204, 304}) {
    say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    request();
    ResponseHead head;
    head.status = status;
    EXPECT_TRUE(run(stream_->write_response(head, "x", false)));
    const std::string text = heard();
    EXPECT_THAT(text, EndsWith("\r\n\r\n"));
    EXPECT_THAT(text, Not(HasSubstr("Content-Length")));
  }
}

TEST_F(HttpStreamTest, CloseIsSaidAndKept) {
  connect_tcp(Role::Server);
  say("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  request();
  respond("x");
  EXPECT_THAT(heard(), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(closed_between_requests());
}

TEST_F(HttpStreamTest, AfterARefusedRequestTheConnectionIsClosed) {
  connect_tcp(Role::Server);
  say("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
      "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_for(request_error()), 400);
  respond("no");
  EXPECT_THAT(heard(), HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(closed_between_requests());
}

TEST_F(HttpStreamTest, LimitsOfHeadAndBodyHaveTheirOwnErrors) {
  HttpLimits limits;
  limits.head_max = 1000;
  limits.body_max = 10;
  limits.buffer = 64;
  connect_tcp(Role::Server, limits);
  say("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(900, 'x') + "\r\n\r\n");
  EXPECT_EQ(request().fields.find("X")->size(), 900U);
  respond("");
  say("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(1000, 'x'));
  EXPECT_EQ(status_for(request_error()), 431);

  connect_tcp(Role::Server, limits);
  say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n");
  EXPECT_EQ(status_for(request_error()), 413);

  connect_tcp(Role::Server, limits);
  say("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n5\r\n");
  request();
  auto piece = run(stream_->read_body());
  while (piece && !piece->empty()) piece = run(stream_->read_body());
  ASSERT_FALSE(piece);
  EXPECT_EQ(status_for(piece.error().code), 413);
}

TEST_F(HttpStreamTest, AClientThatClosesInsideAMessageTruncatesIt) {
  connect_tcp(Role::Server);
  say("GET / HT");
  half_close();
  EXPECT_EQ(request_error(), make_error_code(HttpErrc::Truncated));

  for (const std::string framing : {"Content-Length: 5", "Transfer-Encoding: chunked"}) {
    connect_tcp(Role::Server);
    say("POST / HTTP/1.1\r\nHost: h\r\n" + framing + "\r\n\r\n3\r\n");
    half_close();
    request();
    auto piece = run(stream_->read_body());
    if (piece) piece = run(stream_->read_body());
    ASSERT_FALSE(piece);
    EXPECT_EQ(piece.error().code, make_error_code(HttpErrc::Truncated));
  }
}

TEST_F(HttpStreamTest, ALargeBodyFlowsThroughTheBufferBothWays) {
  connect_tcp(Role::Server);
  const std::string large(3'000'000, 'x');
  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  request();
  ResponseHead head;
  head.framing = Framing::Length;
  head.content_length = large.size();
  std::optional<Result<void>> sent;
  group_.spawn(keep(stream_->write_response(head, large, false), sent));
  std::size_t got = 0;
  EXPECT_TRUE(run_until([&] {
    got += heard().size();
    return sent.has_value() && got >= large.size();
  }));
  EXPECT_TRUE(*sent);
  EXPECT_GT(got, large.size());
  EXPECT_LT(got, large.size() + 300);
}

TEST_F(HttpStreamTest, ABodyMustBeAsLongAsItsHeadSays) {
  connect_tcp(Role::Server);
  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  request();
  ResponseHead head;
  head.framing = Framing::Length;
  head.content_length = 3;
  EXPECT_TRUE(run(stream_->write_response(head, "ab", true)));
  EXPECT_FALSE(run(stream_->write_body("cd", true)));
  EXPECT_THAT(heard(), EndsWith("abc"));
  EXPECT_TRUE(closed_between_requests());

  connect_tcp(Role::Server);
  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  request();
  EXPECT_FALSE(run(stream_->write_response(head, "ab", false)));
}

// --- as a client ---------------------------------------------------------------------------------

TEST_F(HttpStreamTest, AsksAndReadsResponsesOfEachFraming) {
  connect_tcp(Role::Client);
  ask();
  EXPECT_EQ(heard(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_EQ(run(stream_->read_response(false))->status, 200);
  EXPECT_EQ(body(), "ab");
  EXPECT_TRUE(stream_->is_reusable());

  ask();
  say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n");
  EXPECT_EQ(run(stream_->read_response(false))->framing, Framing::Chunked);
  EXPECT_EQ(body(), "ab");
  EXPECT_TRUE(stream_->is_reusable());

  ask();
  say("HTTP/1.1 200 OK\r\n\r\nuntil");
  EXPECT_EQ(run(stream_->read_response(false))->framing, Framing::UntilClose);
  heard();  // an end behind unread bytes would be a reset
  hang_up();
  EXPECT_EQ(body(), "until");
  EXPECT_FALSE(stream_->is_reusable());
}

TEST_F(HttpStreamTest, ResponsesToHeadHaveNoBody) {
  connect_tcp(Role::Client);
  ask("HEAD");
  say("HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n");
  auto head = run(stream_->read_response(true));
  EXPECT_EQ(head->content_length, 2000U);
  EXPECT_TRUE(stream_->body_done());
  EXPECT_EQ(body(), "");
  EXPECT_TRUE(stream_->is_reusable());
}

TEST_F(HttpStreamTest, InterimHeadsAreSkippedBut101IsReturned) {
  connect_tcp(Role::Client);
  ask();
  say("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
      "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(run(stream_->read_response(false))->status, 204);
  ask();
  say("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nraw");
  EXPECT_EQ(run(stream_->read_response(false))->status, 101);
  stream_->become_tunnel();
  EXPECT_EQ(*run(stream_->read_body()), "raw");
  EXPECT_FALSE(stream_->is_reusable());
}

TEST_F(HttpStreamTest, InterimHeadsWithoutEndAreRefused) {
  connect_tcp(Role::Client);
  ask();
  std::string many;
  for (int i = 0; i < 100; ++i) many += "HTTP/1.1 102 Processing\r\n\r\n";
  say(many);
  auto head = run(stream_->read_response(false));
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().code, make_error_code(HttpErrc::BadMessage));
}

TEST_F(HttpStreamTest, AServerThatClosesBeforeTheFirstByteIsToldApart) {
  connect_tcp(Role::Client);
  ask();
  hang_up();
  auto head = run(stream_->read_response(false));
  ASSERT_FALSE(head);
  EXPECT_TRUE(head.error().code == asio::error::eof ||
              head.error().code == asio::error::connection_reset);

  connect_tcp(Role::Client);
  ask();
  say("HTTP/1.1 2");
  heard();
  hang_up();
  head = run(stream_->read_response(false));
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().code, make_error_code(HttpErrc::Truncated));
}

TEST_F(HttpStreamTest, StrayBytesAndEndsMakeAConnectionUnfitForReuse) {
  const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
  connect_tcp(Role::Client);
  ask();
  say(response + "stray");
  EXPECT_TRUE(run(stream_->read_response(false)));
  EXPECT_EQ(body(), "ab");
  EXPECT_FALSE(stream_->is_reusable());

  connect_tcp(Role::Client);
  ask();
  say(response);
  EXPECT_TRUE(run(stream_->read_response(false)));
  EXPECT_FALSE(stream_->is_reusable()) << "its body is not read";
  EXPECT_EQ(body(), "ab");
  EXPECT_TRUE(stream_->is_reusable());
  say("HTTP/1.1 408 Request Timeout\r\n\r\n");
  EXPECT_FALSE(stream_->is_reusable());

  connect_tcp(Role::Client);
  ask();
  say(response);
  EXPECT_TRUE(run(stream_->read_response(false)));
  body();
  half_close();
  EXPECT_FALSE(stream_->is_reusable());

  connect_tcp(Role::Client);
  ask();
  say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(run(stream_->read_response(false)));
  EXPECT_FALSE(stream_->is_reusable());
}

TEST_F(HttpStreamTest, ARequestWhoseBodyIsNotWrittenWholeIsNotReusable) {
  connect_tcp(Role::Client);
  RequestHead head;
  head.method = "POST";
  head.target = "/";
  head.framing = Framing::Chunked;
  EXPECT_TRUE(run(stream_->write_request(head, "ab", true)));
  say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(run(stream_->read_response(false)));
  EXPECT_FALSE(stream_->is_reusable());
  EXPECT_TRUE(run(stream_->write_body("", false)));
  EXPECT_TRUE(stream_->is_reusable());
}

// --- going away, deadlines -----------------------------------------------------------------------

class WaitGone : public HttpStreamTest {
 protected:
  void start() { group_.spawn(keep_done(stream_->wait_gone(), gone_)); }
  /// Lets everything happen that is going to, and tells how many handlers that took.
  std::size_t settle() {
    io_.restart();
    return io_.poll();
  }
  bool sees_it() {
    return run_until([this] { return gone_; });
  }
  bool gone_ = false;
};

TEST_F(WaitGone, SeesAnEndWithNothingUnread) {
  connect_tcp(Role::Server);
  start();
  settle();
  EXPECT_FALSE(gone_);
  half_close();
  EXPECT_TRUE(sees_it());
}

TEST_F(WaitGone, SeesAnEndBehindUnreadBytesWithoutSpinningBefore) {
  connect_tcp(Role::Server);
  say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n");
  request();
  say(std::string(100000, 'x'));
  start();
  settle();
  say(std::string(1000, 'x'));
  EXPECT_LE(settle(), 1U);
  EXPECT_FALSE(gone_);
  half_close();
  EXPECT_TRUE(sees_it());
  EXPECT_EQ(run(stream_->read_body())->substr(0, 3), "xxx");
}

TEST_F(WaitGone, SeesAResetBehindUnreadBytes) {
  connect_tcp(Role::Server);
  say(std::string(100000, 'x'));
  start();
  settle();
  EXPECT_FALSE(gone_);
  reset_connection();
  EXPECT_TRUE(sees_it());
}

TEST_F(WaitGone, SeesAnEndThatCameBeforeIt) {
  connect_tcp(Role::Server);
  say("x");
  hang_up();
  start();
  EXPECT_TRUE(sees_it());
}

TEST_F(WaitGone, IsNotFooledByThePipelinedRequest) {
  connect_tcp(Role::Server);
  say("GET /1 HTTP/1.1\r\nHost: h\r\n\r\n");
  request();
  start();
  settle();
  say("GET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_LE(settle(), 1U);
  EXPECT_FALSE(gone_);
  group_.cancel(asio::cancellation_type::terminal);
  EXPECT_TRUE(sees_it());
  respond("");
  EXPECT_EQ(request().target, "/2");
}

TEST_F(WaitGone, WorksOnUnixSockets) {
  connect_unix(Role::Server);
  say("unread");
  start();
  settle();
  EXPECT_FALSE(gone_);
  hang_up();
  EXPECT_TRUE(sees_it());
}

TEST_F(WaitGone, EndsWithCloseAndWithTheDeadline) {
  connect_tcp(Role::Server);
  start();
  settle();
  stream_->close();
  EXPECT_TRUE(sees_it());

  gone_ = false;
  connect_tcp(Role::Server);
  stream_->expires_after(std::chrono::milliseconds(1));
  start();
  EXPECT_TRUE(sees_it());
}

TEST_F(WaitGone, DoesNotKeepTheContextRunning) {
  connect_tcp(Role::Server);
  start();
  settle();
  group_.cancel(asio::cancellation_type::terminal);
  io_.restart();
  io_.run();  // returns, or the test times out
  EXPECT_TRUE(gone_);
}

TEST_F(HttpStreamTest, ADeadlineEndsAReadAndTheNextCallLiftsIt) {
  HttpLimits limits;
  limits.head_timeout = std::chrono::milliseconds(10);
  connect_tcp(Role::Server, limits);
  say("G");
  EXPECT_EQ(status_for(request_error()), 408);
  auto again = run(stream_->write_continue());
  ASSERT_FALSE(again) << "what comes later fails too";
  EXPECT_EQ(again.error().code, make_error_code(HttpErrc::Timeout));
  stream_->expires_after(std::chrono::seconds(60));
  respond("late");
  EXPECT_THAT(heard(), HasSubstr("Connection: close"));
  stream_->expires_never();
}

TEST_F(HttpStreamTest, WhoHasAskedForNothingIsLeftWithoutAWord) {
  connect_tcp(Role::Server);
  stream_->expires_after(std::chrono::milliseconds(10));
  const auto nothing = run(stream_->read_request());
  ASSERT_TRUE(nothing) << nothing.error().message();
  EXPECT_FALSE(*nothing);
}

TEST_F(HttpStreamTest, WhatHasExpiredIsNotReusable) {
  connect_tcp(Role::Client);
  RequestHead head;
  head.method = "GET";
  head.target = "/";
  ASSERT_TRUE(run(stream_->write_request(head, "", false)));
  say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(run(stream_->read_response(false)));
  EXPECT_TRUE(stream_->is_free());
  stream_->expires_after(std::chrono::milliseconds(1));
  EXPECT_TRUE(run_until([this] { return !stream_->is_free(); }));
}

TEST_F(HttpStreamTest, ALoopThatIsToEndWaitsForNoDeadline) {
  connect_tcp(Role::Server);
  stream_->expires_after(std::chrono::seconds(60));
  stream_.reset();
  const auto began = std::chrono::steady_clock::now();
  io_.restart();
  io_.run_for(std::chrono::seconds(5));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(400))
      << "deadlines are looked at every half second";
}

TEST_F(HttpStreamTest, WhoHasBegunAHeadMustEndIt) {
  HttpLimits limits;
  limits.head_timeout = std::chrono::milliseconds(10);
  connect_tcp(Role::Server, limits);
  say("GET / HT");
  EXPECT_EQ(status_for(request_error()), 408);
}

TEST_F(HttpStreamTest, ADeadlineEndsAWriteThatNobodyReads) {
  connect_tcp(Role::Server);
  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  request();
  ResponseHead head;
  head.framing = Framing::UntilClose;
  stream_->expires_after(std::chrono::milliseconds(10));
  const std::string large(30'000'000, 'x');
  auto sent = run(stream_->write_response(head, large, true));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, make_error_code(HttpErrc::Timeout));
}

TEST_F(HttpStreamTest, CancellationEndsAPendingReadAndTheNextOnes) {
  connect_tcp(Role::Server);
  bool done = false;
  group_.spawn(keep_done(
      [](HttpStream& stream) -> Task<void> {
        auto head = co_await stream.read_request();
        EXPECT_FALSE(head);
        auto piece = co_await stream.read_response(false);
        EXPECT_FALSE(piece);
      }(*stream_),
      done));
  io_.poll();
  group_.cancel(asio::cancellation_type::terminal);
  EXPECT_TRUE(run_until([&done] { return done; }));
}

TEST_F(HttpStreamTest, AnEarlyAnswerSurvivesTheBytesThatAreStillComing) {
  connect_tcp(Role::Server);
  say("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n" + std::string(50000, 'x'));
  EXPECT_EQ(status_for(request_error()), 413);
  respond("too large", false);
  bool done = false;
  group_.spawn(keep_done(stream_->linger_close(), done));
  io_.restart();
  io_.poll();
  say(std::string(50000, 'y'));
  const std::string text = heard_to_end();
  EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(text, EndsWith("too large"));
  hang_up();
  EXPECT_TRUE(run_until([&done] { return done; }));
}

TEST_F(HttpStreamTest, AResetCloseIsNoCleanEnd) {
  connect_tcp(Role::Server);
  say("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  request();
  stream_->close(true);
  char byte = 0;
  EXPECT_EQ(::recv(peer_.get(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

}  // namespace
}  // namespace rouse
