#pragma once

#include "base/tls/context.hpp"
#include "base/tls/error.hpp"
#include "tests/base/http/stream_fixture.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/temp_dir.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <fcntl.h>

#include <memory>
#include <string>
#include <string_view>

namespace rouse {

/// The other end of a TLS connection: OpenSSL on a socket that does not block, without any of our
/// code. Every call does what it can at once.
class TlsPeer {
 public:
  enum class Role { Client, Server };

  explicit TlsPeer(Role role)
      : context_(SSL_CTX_new(role == Role::Client ? TLS_client_method() : TLS_server_method()),
                 SSL_CTX_free),
        role_(role) {
    SSL_CTX_set_security_level(context_.get(), 0);  // it may speak what is out of date
    SSL_CTX_set_options(context_.get(), SSL_OP_LEGACY_SERVER_CONNECT);
  }
  void use(const test::Identity& identity) {
    EXPECT_EQ(SSL_CTX_use_certificate(context_.get(), identity.x509()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(context_.get(), identity.pkey()), 1);
  }
  [[nodiscard]] SSL_CTX* context() { return context_.get(); }

  void start(int fd) {
    ssl_.reset(SSL_new(context_.get()), SSL_free);
    SSL_set_fd(ssl_.get(), fd);
    if (role_ == Role::Client) {
      SSL_set_connect_state(ssl_.get());
    } else {
      SSL_set_accept_state(ssl_.get());
    }
    failed_ = false;
  }
  [[nodiscard]] SSL* ssl() { return ssl_.get(); }

  [[nodiscard]] bool handshake() { return check(SSL_do_handshake(ssl_.get())); }
  /// How much of @p bytes went.
  std::size_t write(std::string_view bytes) {
    std::size_t n = 0;
    check(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &n));
    return n;
  }
  /// What is there by now is added to @p bytes.
  void read(std::string& bytes) {
    char piece[16384];
    std::size_t n = 0;
    while (check(SSL_read_ex(ssl_.get(), piece, sizeof piece, &n))) bytes.append(piece, n);
  }
  void close_notify() { SSL_shutdown(ssl_.get()); }
  [[nodiscard]] bool was_told_the_end() const {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] const std::string& why() const { return why_; }

 private:
  bool check(int result) {
    if (result == 1) return true;
    const int code = SSL_get_error(ssl_.get(), result);
    if (code != SSL_ERROR_WANT_READ && code != SSL_ERROR_WANT_WRITE) {
      failed_ = true;
      if (const char* text = ERR_reason_error_string(ERR_peek_error())) why_ = text;
    }
    ERR_clear_error();
    return false;
  }

  std::shared_ptr<SSL_CTX> context_;
  Role role_;
  std::shared_ptr<SSL> ssl_;
  bool failed_ = false;
  std::string why_;
};

/// `stream_` with TLS at one end of a real connection, a TlsPeer at the other.
class TlsFixture : public StreamFixture {
 protected:
  [[nodiscard]] TlsFiles files() const { return TlsFiles{cert_file_, key_file_}; }

  std::unique_ptr<TlsContext> context(TlsFiles files) {
    auto made = std::make_unique<TlsContext>(std::move(files));
    const auto loaded = made->reload();
    EXPECT_TRUE(loaded) << loaded.error().message();
    return made;
  }

  /// Begins the handshake of both ends; its result comes into `secured_`.
  void begin(HttpStream::Role role, TlsPeer& peer,
             std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    connect_tcp(role);
    peer.start(peer_nonblocking());
    group_.spawn(keep(stream_->secure(session(role), limit), secured_));
  }
  /// The whole handshake.
  void connect(HttpStream::Role role, TlsPeer& peer) {
    begin(role, peer);
    bool peer_done = false;
    ASSERT_TRUE(run_until([&] {
      peer_done = peer_done || peer.handshake();
      return peer.failed() || (peer_done && secured_.has_value());
    }));
    ASSERT_FALSE(peer.failed()) << peer.why();
    ASSERT_TRUE(*secured_) << secured_->error().message();
    ASSERT_TRUE(stream_->is_secure());
  }
  int peer_nonblocking() {
    ::fcntl(peer_.get(), F_SETFL, O_NONBLOCK);
    return peer_.get();
  }
  std::unique_ptr<TlsSession> session(HttpStream::Role role) {
    if (role == HttpStream::Role::Server) return server_->accept();
    auto made = client_.connect(TlsTrust{ca_file_, false}, "localhost");
    EXPECT_TRUE(made) << made.error().message();
    return made ? std::move(*made) : nullptr;
  }
  /// Reads at the peer until @p text is there.
  bool peer_hears(TlsPeer& peer, std::string_view text) {
    return run_until([&] {
      peer.read(heard_);
      return heard_.find(text) != std::string::npos;
    });
  }

  test::TempDir dir_;
  const test::Identity authority_{nullptr, {"Test Authority", {}}};
  const test::Identity identity_{&authority_};
  const std::string cert_file_ =
      dir_.write("cert.pem", identity_.certificate() + authority_.certificate());
  const std::string key_file_ = dir_.write("key.pem", identity_.key());
  const std::string ca_file_ = dir_.write("ca.pem", authority_.certificate());
  std::unique_ptr<TlsContext> server_ = context(files());
  TlsClient client_;
  std::optional<Result<void>> secured_;
  std::string heard_;
};

}  // namespace rouse
