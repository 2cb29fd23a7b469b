#include "tests/base/tls/tls_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class TlsTest : public TlsFixture {
 protected:
  TlsPeer client_peer_{TlsPeer::Role::Client};
  TlsPeer server_peer_{TlsPeer::Role::Server};

  void be_server() { connect(HttpStream::Role::Server, client_peer_); }
  void be_client() {
    server_peer_.use(identity_);
    connect(HttpStream::Role::Client, server_peer_);
  }
  /// The handshake must fail, and `secured_` says why.
  std::string failure(TlsPeer& peer) {
    EXPECT_TRUE(run_until([&] {
      static_cast<void>(peer.handshake());
      return secured_.has_value();
    }));
    if (!secured_ || *secured_) return "it did not fail";
    return secured_->error().message();
  }
  /// A request for `stream_` to answer.
  void ask(std::string_view text = "GET / HTTP/1.1\r\nHost: h\r\n\r\n") {
    ASSERT_EQ(client_peer_.write(text), text.size());
    const auto head = run(stream_->read_request());
    ASSERT_TRUE(head && *head);
  }
  /// The answer's head, whose body ends with the connection.
  void be_answered_without_length() {
    RequestHead head;
    head.method = "GET";
    head.target = "/";
    ASSERT_TRUE(run(stream_->write_request(head, "", false)));
    heard_.clear();
    ASSERT_TRUE(peer_hears(server_peer_, "\r\n\r\n"));
    ASSERT_GT(server_peer_.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nbody"), 0U);
    ASSERT_TRUE(run(stream_->read_response(false)));
  }
  static ResponseHead answer(Framing framing, std::uint64_t length = 0) {
    ResponseHead head;
    head.framing = framing;
    head.content_length = length;
    return head;
  }
};

std::string megabytes(std::size_t count) {
  std::string bytes(count * 1024 * 1024, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>('a' + (i * 2654435761U >> 13) % 26);
  }
  return bytes;
}

TEST_F(TlsTest, CarriesTenMegabytesEachWay) {
  be_server();
  const std::string body = megabytes(10);
  const std::string request =
      "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
      body;
  std::optional<Result<std::optional<RequestHead>>> head;
  group_.spawn(keep(stream_->read_request(), head));
  std::optional<std::string> got;
  std::size_t at = 0;
  ASSERT_TRUE(run_until([&] {
    const std::size_t n = std::min<std::size_t>(request.size() - at, 100'000);
    if (n > 0) at += client_peer_.write(std::string_view(request).substr(at, n));
    if (head && !got) {
      got.emplace();
      group_.spawn(keep(whole_body(*stream_), got));
    }
    return got && got->size() == body.size();
  }));
  EXPECT_EQ(*got, body);

  std::optional<Result<void>> sent;
  const ResponseHead whole = answer(Framing::Length, body.size());
  group_.spawn(keep(stream_->write_response(whole, body, false), sent));
  ASSERT_TRUE(run_until([&] {
    client_peer_.read(heard_);
    return sent && heard_.size() > body.size();
  }));
  EXPECT_TRUE(*sent);
  ASSERT_TRUE(peer_hears(client_peer_, body.substr(body.size() - 100)));
  EXPECT_EQ(heard_.substr(heard_.find("\r\n\r\n") + 4), body);
}

TEST_F(TlsTest, ManySmallPiecesKeepTheirOrder) {
  be_server();
  ask();
  ASSERT_TRUE(run(stream_->write_response(answer(Framing::Chunked), "", true)));
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(run(stream_->write_body("n" + std::to_string(i) + ",", true)));
    if (i % 100 == 0) client_peer_.read(heard_);
  }
  ASSERT_TRUE(run(stream_->write_body("", false)));
  ASSERT_TRUE(peer_hears(client_peer_, "\r\n0\r\n\r\n"));
  EXPECT_THAT(heard_, HasSubstr("n0,\r\n3\r\nn1,\r\n"));
  EXPECT_THAT(heard_, HasSubstr("n998,\r\n5\r\nn999,\r\n"));
}

TEST_F(TlsTest, ShakesHandsByteByByte) {
  connect_tcp(HttpStream::Role::Server);
  client_peer_.start(-1);
  BIO* const in = BIO_new(BIO_s_mem());
  BIO* const out = BIO_new(BIO_s_mem());
  SSL_set_bio(client_peer_.ssl(), in, out);
  group_.spawn(keep(stream_->secure(server_->accept(), milliseconds(10'000)), secured_));
  bool done = false;
  ASSERT_TRUE(run_until([&] {
    const std::string answer = heard();
    if (!answer.empty()) BIO_write(in, answer.data(), static_cast<int>(answer.size()));
    done = done || client_peer_.handshake();
    char byte = 0;
    for (int i = 0; i < 16 && BIO_read(out, &byte, 1) == 1; ++i) {
      say(std::string_view(&byte, 1));
      io_.restart();
      io_.poll();
    }
    return done && secured_.has_value();
  }));
  EXPECT_TRUE(*secured_) << secured_->error().message();
}

TEST_F(TlsTest, ACloseDuringTheHandshakeIsAnError) {
  begin(HttpStream::Role::Server, client_peer_);
  static_cast<void>(client_peer_.handshake());
  hang_up();
  ASSERT_TRUE(run_until([this] { return secured_.has_value(); }));
  ASSERT_FALSE(*secured_);
}

TEST_F(TlsTest, AClientThatSaysNothingRunsIntoTheLimit) {
  begin(HttpStream::Role::Server, client_peer_, milliseconds(50));
  ASSERT_TRUE(run_until([this] { return secured_.has_value(); }));
  ASSERT_FALSE(*secured_);
  EXPECT_EQ(secured_->error().code, make_error_code(HttpErrc::Timeout));
}

TEST_F(TlsTest, PlainHttpIsNamedAndCanBeAnswered) {
  begin(HttpStream::Role::Server, client_peer_);
  say("DELETE /v1/models HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(run_until([this] { return secured_.has_value(); }));
  ASSERT_FALSE(*secured_);
  EXPECT_EQ(secured_->error().code, make_error_code(TlsErrc::PlainHttp));
  ASSERT_TRUE(run(stream_->write_response(answer(Framing::Length, 2), "no", false)));
  EXPECT_THAT(heard(), EndsWith("\r\n\r\nno"));
}

TEST_F(TlsTest, OldVersionsAreRefused) {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    TlsPeer old(TlsPeer::Role::Client);
    ASSERT_EQ(SSL_CTX_set_min_proto_version(old.context(), version), 1);
    ASSERT_EQ(SSL_CTX_set_max_proto_version(old.context(), version), 1);
    secured_.reset();
    begin(HttpStream::Role::Server, old);
    EXPECT_THAT(failure(old), HasSubstr("a version of TLS that is not allowed here"));
    EXPECT_TRUE(run_until([&] { return !old.handshake() && old.failed(); }));
    EXPECT_THAT(old.why(), HasSubstr("protocol version"));
  }
}

TEST_F(TlsTest, TheLeastVersionCanBeRaised) {
  TlsFiles raised = files();
  raised.least = TlsVersion::Tls13;
  server_ = context(raised);
  ASSERT_EQ(SSL_CTX_set_max_proto_version(client_peer_.context(), TLS1_2_VERSION), 1);
  begin(HttpStream::Role::Server, client_peer_);
  EXPECT_THAT(failure(client_peer_), HasSubstr("not allowed here"));
}

TEST_F(TlsTest, OfTls12OnlySuitesThatKeepPastTalkSecretAreTaken) {
  const struct {
    const char* suites;
    bool is_taken;
  } cases[] = {
      {"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256", true},
      {"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305", true},
      {"ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA", false},  // CBC
      {"AES128-GCM-SHA256:AES256-GCM-SHA384", false},          // the key tells all that was said
      {"DHE-RSA-AES128-GCM-SHA256", false},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.suites);
    TlsPeer peer(TlsPeer::Role::Client);
    ASSERT_EQ(SSL_CTX_set_max_proto_version(peer.context(), TLS1_2_VERSION), 1);
    ASSERT_EQ(SSL_CTX_set_cipher_list(peer.context(), each.suites), 1);
    secured_.reset();
    if (each.is_taken) {
      connect(HttpStream::Role::Server, peer);
      EXPECT_THAT(each.suites, HasSubstr(SSL_get_cipher_name(peer.ssl())));
    } else {
      begin(HttpStream::Role::Server, peer);
      EXPECT_THAT(failure(peer), HasSubstr("no cipher that both sides know"));
    }
  }
}

TEST_F(TlsTest, OffersHttp11AndNothingElse) {
  const unsigned char both[] = "\x02h2\x08http/1.1";
  ASSERT_EQ(SSL_CTX_set_alpn_protos(client_peer_.context(), both, sizeof both - 1), 0);
  be_server();
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(client_peer_.ssl(), &chosen, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), "http/1.1");

  TlsPeer other(TlsPeer::Role::Client);
  ASSERT_EQ(SSL_CTX_set_alpn_protos(other.context(), both, 3), 0);
  secured_.reset();
  begin(HttpStream::Role::Server, other);
  EXPECT_THAT(failure(other), HasSubstr("no application protocol"));
}

TEST_F(TlsTest, ASessionIsResumedByItsTicket) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsPeer peer(TlsPeer::Role::Client);
    ASSERT_EQ(SSL_CTX_set_max_proto_version(peer.context(), version), 1);
    secured_.reset();
    connect(HttpStream::Role::Server, peer);
    ASSERT_GT(peer.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0U);
    ASSERT_TRUE(run(stream_->read_request()));
    ASSERT_TRUE(run(stream_->write_response(answer(Framing::Length, 2), "ok", false)));
    heard_.clear();
    ASSERT_TRUE(peer_hears(peer, "ok"));
    peer.close_notify();  // a session that ends otherwise is not resumed by OpenSSL
    const std::shared_ptr<SSL_SESSION> session(SSL_get1_session(peer.ssl()), SSL_SESSION_free);
    secured_.reset();
    connect_tcp(HttpStream::Role::Server);
    peer.start(peer_nonblocking());
    SSL_set_session(peer.ssl(), session.get());
    group_.spawn(keep(stream_->secure(server_->accept(), milliseconds(10'000)), secured_));
    ASSERT_TRUE(run_until([&] { return peer.handshake() && secured_.has_value(); }));
    EXPECT_EQ(SSL_session_reused(peer.ssl()), 1);
  }
}

TEST_F(TlsTest, RenegotiationIsRefused) {
  ASSERT_EQ(SSL_CTX_set_max_proto_version(client_peer_.context(), TLS1_2_VERSION), 1);
  be_server();
  SSL_renegotiate(client_peer_.ssl());
  std::optional<Result<std::optional<RequestHead>>> head;
  group_.spawn(keep(stream_->read_request(), head));
  EXPECT_TRUE(run_until([&] { return !client_peer_.handshake() && client_peer_.failed(); }));
  EXPECT_THAT(client_peer_.why(), HasSubstr("no renegotiation"));
  hang_up();
  EXPECT_TRUE(run_until([&] { return head.has_value(); }));
}

TEST_F(TlsTest, ABodyThatEndsWithTheConnectionNeedsItsEndToBeSaid) {
  be_client();
  be_answered_without_length();
  server_peer_.close_notify();
  hang_up();
  EXPECT_EQ(run(whole_body(*stream_)), "body");

  secured_.reset();
  be_client();
  be_answered_without_length();
  hang_up();
  const auto first = run(stream_->read_body());
  ASSERT_TRUE(first);
  EXPECT_EQ(*first, "body");
  const auto end = run(stream_->read_body());
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, make_error_code(HttpErrc::Truncated));
}

TEST_F(TlsTest, BetweenRequestsAPlainFinIsAnEnd) {
  be_server();
  hang_up();
  const auto head = run(stream_->read_request());
  ASSERT_TRUE(head) << head.error().message();
  EXPECT_FALSE(*head);
}

TEST_F(TlsTest, SaysItsEndAfterWholeMessagesOnly) {
  be_server();
  ask();
  ASSERT_TRUE(run(stream_->write_response(answer(Framing::Length, 2), "ok", false)));
  stream_.reset();
  EXPECT_TRUE(run_until([this] {
    client_peer_.read(heard_);
    return client_peer_.was_told_the_end();
  }));

  for (const bool reset : {false, true}) {
    TlsPeer peer(TlsPeer::Role::Client);
    secured_.reset();
    connect(HttpStream::Role::Server, peer);
    ASSERT_GT(peer.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0U);
    ASSERT_TRUE(run(stream_->read_request()));
    ASSERT_TRUE(run(stream_->write_response(answer(Framing::Length, 10), "half", true)));
    stream_->close(reset);
    EXPECT_TRUE(run_until([&] {
      peer.read(heard_);
      return peer.failed();
    }));
    EXPECT_FALSE(peer.was_told_the_end());
  }
}

TEST_F(TlsTest, AnAnswerWithoutLengthSaysItsEnd) {
  be_server();
  ask("GET / HTTP/1.0\r\n\r\n");
  ASSERT_TRUE(run(stream_->write_response(answer(Framing::UntilClose), "all", false)));
  EXPECT_TRUE(run_until([this] {
    client_peer_.read(heard_);
    return client_peer_.was_told_the_end();
  }));
  EXPECT_THAT(heard_, EndsWith("all"));
}

TEST_F(TlsTest, LingersUntilTheOtherSideHasHeardIt) {
  be_server();
  ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
  ASSERT_TRUE(run(stream_->write_response(answer(Framing::Length, 2), "no", false)));
  bool done = false;
  group_.spawn(keep_done(stream_->linger_close(), done));
  const std::string rest(1'000'000, 'x');
  std::size_t at = 0;
  EXPECT_TRUE(run_until([&] {
    if (at < rest.size()) {
      at += client_peer_.write(std::string_view(rest).substr(at, 10'000));
      return false;
    }
    client_peer_.read(heard_);
    if (client_peer_.was_told_the_end()) hang_up();
    return done;
  }));
  EXPECT_THAT(heard_, EndsWith("\r\n\r\nno"));
}

TEST_F(TlsTest, NoticesWhoHasGoneWhileBytesWait) {
  be_server();
  ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
  bool gone = false;
  bool called = false;
  group_.spawn(keep_done(stream_->wait_gone(), gone));
  ASSERT_GT(client_peer_.write(std::string(50'000, 'x')), 0U);
  io_.restart();
  io_.run_for(milliseconds(50));
  EXPECT_FALSE(gone);
  // What has arrived is still there to be read.
  const auto piece = run(stream_->read_body());
  ASSERT_TRUE(piece);
  EXPECT_THAT(std::string(*piece), StartsWith("xxx"));
  stream_->on_gone([&called] { called = true; });
  client_peer_.close_notify();
  hang_up();
  EXPECT_TRUE(run_until([&] { return gone && called; }));
}

TEST_F(TlsTest, TriesToWriteAndSaysNoWhenThereIsNoRoom) {
  be_server();
  ask();
  ASSERT_TRUE(stream_->try_write_response(answer(Framing::Chunked), ": hello\n\n"));
  ASSERT_TRUE(stream_->try_write_body(": again\n\n"));
  ASSERT_TRUE(peer_hears(client_peer_, ": again\n\n"));

  std::optional<Result<void>> sent;
  const std::string much = megabytes(10);
  group_.spawn(keep(stream_->write_body(much, true), sent));
  io_.restart();
  io_.run_for(milliseconds(50));
  ASSERT_FALSE(sent) << "nobody read it, and yet it went";
  EXPECT_FALSE(stream_->try_write_body(": no room\n\n"));
  ASSERT_TRUE(run_until([&] {
    client_peer_.read(heard_);
    return sent.has_value();
  }));
  EXPECT_TRUE(*sent);
  ASSERT_TRUE(peer_hears(client_peer_, much.substr(much.size() - 50) + "\r\n"));
  EXPECT_TRUE(stream_->try_write_body(": room\n\n"));
  ASSERT_TRUE(peer_hears(client_peer_, ": room\n\n\r\n"));
  EXPECT_EQ(heard_.find("no room"), std::string::npos);
}

TEST_F(TlsTest, DeadlinesEndReadingAndWriting) {
  be_server();
  stream_->expires_after(milliseconds(50));
  const auto head = run(stream_->read_request());
  ASSERT_TRUE(head) << head.error().message();
  EXPECT_FALSE(*head) << "who has asked for nothing is left without a word";

  secured_.reset();
  client_peer_ = TlsPeer(TlsPeer::Role::Client);
  be_server();
  ask();
  stream_->expires_after(milliseconds(50));
  const std::string much = megabytes(10);
  const auto sent = run(stream_->write_response(answer(Framing::Chunked), much, true));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, make_error_code(HttpErrc::Timeout));
}

TEST_F(TlsTest, GarbageAfterTheHandshakeIsAnError) {
  be_server();
  say("GET / HTTP/1.1\r\nHost: in the clear\r\n\r\n");
  const auto head = run(stream_->read_request());
  ASSERT_FALSE(head);
  EXPECT_EQ(status_for(head.error().code), 0);
}

}  // namespace
}  // namespace rouse
