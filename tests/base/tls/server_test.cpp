#include "base/http/server.hpp"

#include "tests/base/tls/tls_fixture.hpp"
#include "tests/support/child_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class TlsServerTest : public TlsFixture {
 protected:
  TlsServerTest() {
    http_.on_bad_handshake([this](const std::string& remote, const Error& error) {
      bad_.push_back(remote + ": " + error.message());
    });
    const auto address = http_.listen("127.0.0.1", 0, server_.get());
    EXPECT_TRUE(address) << address.error().message();
    if (address) port_ = address->substr(address->rfind(':') + 1);
  }
  /// Echoes the body.
  static Task<void> serve(std::unique_ptr<HttpStream> stream, std::string) {
    while (true) {
      auto head = co_await stream->read_request();
      if (!head || !*head) co_return;
      ResponseHead answer;
      answer.framing = Framing::Chunked;
      auto sent = co_await stream->write_response(answer, "", true);
      while (sent) {
        const auto piece = co_await stream->read_body();
        if (!piece) co_return;
        const bool more = !piece->empty();
        sent = co_await stream->write_body(*piece, more);
        if (!more) break;
      }
      if (!sent) co_return;
    }
  }
  void dial(Peer& peer) {
    asio::ip::tcp::socket socket(io_);
    socket.connect(
        {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoi(port_))});
    peer.reset(socket.release());
    ::fcntl(peer.get(), F_SETFL, O_NONBLOCK);
  }
  [[nodiscard]] bool shake(TlsPeer& tls, Peer& peer) {
    dial(peer);
    tls.start(peer.get());
    return run_until([&] { return tls.handshake() || tls.failed(); }) && !tls.failed();
  }
  bool hears(TlsPeer& tls, std::string_view text) {
    heard_.clear();
    return peer_hears(tls, text);
  }
  /// The exit status of a program that talks to the server.
  int run_child(test::ChildProcess& child) {
    std::optional<int> status;
    EXPECT_TRUE(run_until([&] {
      status = child.wait(std::chrono::milliseconds(0));
      return status.has_value();
    })) << child.output();
    return status.value_or(-1);
  }

  HttpServer http_{group_, serve, HttpLimits(), deadlines_, 2};
  std::string port_;
  std::vector<std::string> bad_;
};

TEST_F(TlsServerTest, CurlBelievesIt) {
  const std::string body = dir_.write("body", std::string(3'000'000, 'x') + "end");
  test::ChildProcess curl({"/usr/bin/env", "curl", "-sS", "-m", "10", "--cacert", ca_file_,
                           "--data-binary", "@" + body, "-o", dir_ / "echo", "-w",
                           "%{http_code} %{ssl_verify_result}",
                           "https://localhost:" + port_ + "/"});
  EXPECT_EQ(run_child(curl), 0) << curl.output();
  EXPECT_EQ(curl.output(), "200 0");
  EXPECT_EQ(test::read_file(dir_ / "echo"), test::read_file(body));
}

TEST_F(TlsServerTest, CurlIsRefusedWithAnOldVersion) {
  test::ChildProcess curl({"/usr/bin/env", "curl", "-sS", "-m", "10", "--cacert", ca_file_,
                           "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0",
                           "https://localhost:" + port_ + "/"});
  EXPECT_EQ(run_child(curl), 35) << curl.output();
  EXPECT_THAT(bad_, testing::ElementsAre(HasSubstr("not allowed here")));
}

TEST_F(TlsServerTest, CurlIsToldToSpeakHttps) {
  test::ChildProcess curl({"/usr/bin/env", "curl", "-sS", "-m", "10", "-w", "%{http_code}",
                           "http://localhost:" + port_ + "/"});
  EXPECT_EQ(run_child(curl), 0);
  EXPECT_THAT(curl.output(), StartsWith("this port speaks https"));
  EXPECT_THAT(curl.output(), EndsWith("400"));
}

TEST_F(TlsServerTest, OpensslSeesTheWholeChainAndOurProtocol) {
  test::ChildProcess openssl({"/usr/bin/env", "openssl", "s_client", "-connect",
                              "127.0.0.1:" + port_, "-CAfile", ca_file_, "-verify_return_error",
                              "-verify_hostname", "localhost", "-alpn", "h2,http/1.1",
                              "-showcerts"});
  // Its standard input is empty, so that it ends after the handshake.
  EXPECT_EQ(run_child(openssl), 0) << openssl.output();
  EXPECT_THAT(openssl.output(), HasSubstr("Verify return code: 0 (ok)"));
  EXPECT_THAT(openssl.output(), HasSubstr("ALPN protocol: http/1.1"));
  EXPECT_THAT(openssl.output(), HasSubstr("s:CN = Test Authority"));
}

TEST_F(TlsServerTest, ASlowHandshakeHoldsNobodyUp) {
  Peer silent;
  dial(silent);
  ASSERT_TRUE(run_until([this] { return http_.connections() == 1; }));
  TlsPeer tls(TlsPeer::Role::Client);
  Peer quick;
  ASSERT_TRUE(shake(tls, quick));
  ASSERT_GT(tls.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0U);
  EXPECT_TRUE(hears(tls, "\r\n\r\n0\r\n\r\n"));
  EXPECT_EQ(http_.connections(), 2U);
  silent.reset();
  EXPECT_TRUE(run_until([this] { return http_.connections() == 1 && !bad_.empty(); }));
  EXPECT_THAT(bad_.front(), StartsWith("127.0.0.1: TLS handshake"));
}

TEST_F(TlsServerTest, OneConnectionTooManyGetsItsAnswerEncrypted) {
  TlsPeer tls[3] = {TlsPeer(TlsPeer::Role::Client), TlsPeer(TlsPeer::Role::Client),
                    TlsPeer(TlsPeer::Role::Client)};
  Peer peers[3];
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(shake(tls[i], peers[i]));
  EXPECT_TRUE(hears(tls[2], "too_many_connections"));
  EXPECT_THAT(heard_, StartsWith("HTTP/1.1 503"));
}

TEST_F(TlsServerTest, ReloadsUnderConnections) {
  TlsPeer old(TlsPeer::Role::Client);
  Peer old_peer;
  ASSERT_TRUE(shake(old, old_peer));
  const test::Identity next(&authority_, {"next", {"DNS:localhost"}});
  dir_.write("cert.pem", next.certificate());
  dir_.write("key.pem", next.key());
  ASSERT_TRUE(server_->reload());
  TlsPeer fresh(TlsPeer::Role::Client);
  Peer fresh_peer;
  ASSERT_TRUE(shake(fresh, fresh_peer));
  for (TlsPeer* each : {&old, &fresh}) {
    ASSERT_GT(each->write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"), 0U);
    EXPECT_TRUE(hears(*each, "hello\r\n0\r\n\r\n"));
  }
}

}  // namespace
}  // namespace rouse
