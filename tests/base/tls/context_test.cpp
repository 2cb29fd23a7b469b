#include "base/http/pool.hpp"
#include "base/http/server.hpp"
#include "tests/base/tls/tls_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace rouse {
namespace {

using std::chrono::milliseconds;
using test::CertificateWishes;
using test::Identity;
using testing::HasSubstr;
using testing::IsEmpty;

// --- the files of a server
// ------------------------------------------------------------------------

class TlsContextTest : public TlsFixture {
 protected:
  /// Why a reload of `files()` with these two fails.
  std::string fault(const std::string& cert, const std::string& key) {
    const auto done = server_->reload(TlsFiles{cert, key});
    if (done) return "it did not fail";
    return done.error().message();
  }
  /// The common name of the certificate that a new client is shown.
  std::string shown() {
    TlsPeer peer(TlsPeer::Role::Client);
    secured_.reset();
    connect(HttpStream::Role::Server, peer);
    const std::shared_ptr<X509> cert(SSL_get1_peer_certificate(peer.ssl()), X509_free);
    char name[100] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert.get()), NID_commonName, name, sizeof name);
    return name;
  }
};

TEST_F(TlsContextTest, SaysWhatIsWrongWithTheFilesAndKeepsTheOldOnes) {
  const Identity other(&authority_, {"other", {"DNS:other"}});
  EXPECT_EQ(fault(dir_ / "none.pem", key_file_),
            "certificate " + (dir_ / "none.pem") + ": No such file or directory");
  EXPECT_THAT(fault(cert_file_, dir_ / "none.pem"), HasSubstr("private key "));
  EXPECT_THAT(fault(dir_.path(), key_file_), HasSubstr("Is a directory"));
  EXPECT_THAT(fault(key_file_, key_file_), HasSubstr("there is no certificate (PEM) in it"));
  EXPECT_THAT(fault(cert_file_, cert_file_), HasSubstr("there is no private key (PEM) in it"));
  EXPECT_THAT(fault(dir_.write("empty.pem", ""), key_file_), HasSubstr("there is no certificate"));
  EXPECT_THAT(fault(cert_file_, dir_.write("locked.pem", identity_.key("secret"))),
              HasSubstr("encrypted with a password"));
  EXPECT_THAT(fault(cert_file_, dir_.write("other.pem", other.key())),
              HasSubstr("the key does not belong to the certificate"));
  const std::string good = identity_.certificate();
  EXPECT_THAT(fault(dir_.write("cut.pem", good.substr(0, good.size() / 2)), key_file_),
              HasSubstr("cut.pem: "));
  EXPECT_THAT(fault(dir_.write("chain.pem", good + "-----BEGIN CERTIFICATE-----\nx\n"), key_file_),
              HasSubstr("after the first one in it"));
  EXPECT_THAT(fault(dir_.write("large.pem", std::string(2'000'000, 'x')), key_file_),
              HasSubstr("too large"));
  EXPECT_EQ(shown(), "localhost");
}

TEST_F(TlsContextTest, AnExpiredCertificateIsTakenOnlyWithoutABetterOne) {
  const Identity expired(&authority_, {"expired", {"DNS:localhost"}, -10, -1});
  const TlsFiles bad{dir_.write("expired.pem", expired.certificate()),
                     dir_.write("expired.key", expired.key())};
  EXPECT_THAT(fault(bad.cert, bad.key), HasSubstr("has expired"));
  EXPECT_EQ(shown(), "localhost");
  TlsContext first(bad);
  ASSERT_TRUE(first.reload());
  EXPECT_THAT(first.warning(), HasSubstr("clients will refuse it"));
  ASSERT_TRUE(first.reload()) << "there is still no better one";
  ASSERT_TRUE(first.reload(files()));
  EXPECT_THAT(first.warning(), IsEmpty());
  EXPECT_THAT(first.not_after(), HasSubstr("GMT"));
}

TEST_F(TlsContextTest, AReloadIsForNewConnections) {
  {
    TlsPeer old(TlsPeer::Role::Client);
    connect(HttpStream::Role::Server, old);
    const Identity next(&authority_, {"next", {"DNS:localhost"}});
    dir_.write("cert.pem", next.certificate());
    EXPECT_FALSE(server_->reload()) << "half of a new pair";
    dir_.write("key.pem", next.key());
    ASSERT_TRUE(server_->reload());
    ASSERT_GT(old.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0U);
    const auto head = run(stream_->read_request());
    EXPECT_TRUE(head && *head);
  }
  EXPECT_EQ(shown(), "next");
}

TEST_F(TlsContextTest, WithoutAGoodPairThereAreNoSessions) {
  TlsContext none(TlsFiles{dir_ / "none.pem", dir_ / "none.pem"});
  EXPECT_FALSE(none.reload());
  EXPECT_EQ(none.accept(), nullptr);
}

// --- whom a client believes
// -----------------------------------------------------------------------

class TlsClientTest : public TlsFixture {
 protected:
  TlsClientTest() {
    endpoint_.host = "localhost";
    endpoint_.tls = true;
    endpoint_.trust.ca_file = ca_file_;
  }
  void TearDown() override {
    pool_.clear();
    TlsFixture::TearDown();
  }
  static Task<void> serve(std::unique_ptr<HttpStream> stream, std::string) {
    while (true) {
      auto head = co_await stream->read_request();
      if (head && !*head) co_return;
      ResponseHead answer;
      answer.status = head ? 200 : 400;
      answer.framing = Framing::Length;
      answer.content_length = 2;
      auto sent = co_await stream->write_response(answer, "ok", false);
      if (!head || !sent) co_return;
    }
  }
  void listen(const TlsContext* tls) {
    const auto address = http_.listen("127.0.0.1", 0, tls);
    ASSERT_TRUE(address) << address.error().message();
    endpoint_.port =
        static_cast<std::uint16_t>(std::stoi(address->substr(address->rfind(':') + 1)));
  }
  /// Listens with a certificate of its own.
  void listen(const Identity& identity) {
    dir_.write("cert.pem", identity.certificate());
    dir_.write("key.pem", identity.key());
    ASSERT_TRUE(server_->reload());
    listen(server_.get());
  }
  Result<HttpPool::Lease> connect() {
    return run(pool_.connect(endpoint_, milliseconds(2000), false));
  }
  std::string failure() {
    const auto lease = connect();
    return lease ? "it did not fail" : lease.error().message();
  }
  /// One exchange; the connection goes back to the pool.
  bool exchange(HttpPool::Lease lease) {
    RequestHead head;
    head.method = "GET";
    head.target = "/";
    head.fields.add("Host", "localhost");
    if (!run(lease.stream->write_request(head, "", false))) return false;
    if (!run(lease.stream->read_response(false))) return false;
    const bool whole = run(whole_body(*lease.stream)) == "ok";
    pool_.give_back(endpoint_, std::move(lease.stream), milliseconds(60'000));
    return whole;
  }

  Endpoint endpoint_;
  HttpPool pool_{io_.get_executor(), HttpLimits(), deadlines_};
  HttpServer http_{group_, serve, HttpLimits(), deadlines_, 10};
};

TEST_F(TlsClientTest, ConnectsByNameAndByAddressAndReuses) {
  listen(server_.get());
  auto first = connect();
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_TRUE(first->stream->is_secure());
  ASSERT_TRUE(exchange(std::move(*first)));
  auto second = connect();
  ASSERT_TRUE(second);
  EXPECT_TRUE(second->reused);
  EXPECT_TRUE(exchange(std::move(*second)));

  endpoint_.host = "127.0.0.1";
  auto third = connect();
  ASSERT_TRUE(third) << third.error().message();
  EXPECT_FALSE(third->reused);
  EXPECT_TRUE(exchange(std::move(*third)));
}

TEST_F(TlsClientTest, AConnectionIsNotReusedByWhoTrustsOthers) {
  listen(server_.get());
  endpoint_.trust.insecure = true;
  auto first = connect();
  ASSERT_TRUE(first);
  ASSERT_TRUE(exchange(std::move(*first)));
  endpoint_.trust = TlsTrust();
  EXPECT_THAT(failure(), HasSubstr("signed by nobody whom we trust"));
}

TEST_F(TlsClientTest, ClosesWhatTheServerEndsWhileItIsIdle) {
  listen(server_.get());
  auto first = connect();
  ASSERT_TRUE(first);
  ASSERT_TRUE(exchange(std::move(*first)));
  group_.cancel(asio::cancellation_type::terminal);
  ASSERT_TRUE(run_until([this] { return http_.connections() == 0; }));
  http_.stop_accepting();
  EXPECT_FALSE(connect());
}

TEST_F(TlsClientTest, SaysWhichCertificateIsBadAndWhy) {
  const std::string to = "connecting to https://localhost:";
  listen(Identity(&authority_, {"x", {"DNS:example.com", "DNS:*.host", "IP:127.0.0.2"}}));
  EXPECT_EQ(failure(),
            to + std::to_string(endpoint_.port) + ": its certificate is for another host name");
  endpoint_.host = "127.0.0.1";
  EXPECT_THAT(failure(), HasSubstr("for another address"));
  endpoint_.host = "localhost";
  listen(Identity(&authority_, {"x", {"DNS:localhost"}, 1, 2}));
  EXPECT_THAT(failure(), HasSubstr("not valid yet"));
  const Identity lone(nullptr, {});
  listen(lone);
  EXPECT_THAT(failure(), HasSubstr("is self-signed"));
  endpoint_.trust.insecure = true;
  EXPECT_TRUE(connect());
  endpoint_.trust = TlsTrust{dir_.write("lone.pem", lone.certificate()), false};
  EXPECT_TRUE(connect()) << "trusted by name";
}

TEST_F(TlsClientTest, AnExpiredCertificateIsRefused) {
  const Identity expired(&authority_, {"localhost", {"DNS:localhost"}, -10, -1});
  server_ =
      context({dir_.write("old.pem", expired.certificate()), dir_.write("old.key", expired.key())});
  listen(server_.get());
  EXPECT_THAT(failure(), HasSubstr("its certificate has expired"));
}

TEST_F(TlsClientTest, ABadListOfAuthoritiesIsNamed) {
  listen(server_.get());
  endpoint_.trust.ca_file = dir_ / "none.pem";
  EXPECT_THAT(failure(), HasSubstr("certificate authorities " + (dir_ / "none.pem") + ": No such"));
  endpoint_.trust.ca_file = key_file_;
  EXPECT_THAT(failure(), HasSubstr("certificate authorities " + key_file_));
}

TEST_F(TlsClientTest, AServerWithoutTlsIsNamed) {
  listen(nullptr);
  EXPECT_THAT(failure(), HasSubstr("does not speak TLS; is it http://"));
}

TEST_F(TlsClientTest, AServerThatSaysNothingRunsIntoTheLimit) {
  asio::ip::tcp::acceptor deaf(io_, asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  endpoint_.host = "127.0.0.1";
  endpoint_.port = deaf.local_endpoint().port();
  endpoint_.tls_timeout = milliseconds(100);
  const auto lease = connect();
  ASSERT_FALSE(lease);
  EXPECT_EQ(lease.error().code, make_error_code(HttpErrc::Timeout));
}

}  // namespace
}  // namespace rouse
