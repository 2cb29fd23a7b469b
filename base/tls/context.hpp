#pragma once

#include "base/net/endpoint.hpp"
#include "base/result.hpp"
#include "base/tls/session.hpp"

#include <openssl/types.h>

#include <map>
#include <memory>
#include <string>

namespace rouse {

struct SslCtxFree {
  void operator()(SSL_CTX* context) const;
};

enum class TlsVersion { Tls12, Tls13 };

/// What a listener shows its clients.
struct TlsFiles {
  std::string cert;  ///< PEM: the certificate, then those that lead to its root
  std::string key;   ///< PEM, without a password
  TlsVersion least = TlsVersion::Tls12;
};

/// The server's side of TLS: its certificate and key, which may be read again while it runs.
/// TLS 1.2 and 1.3, ALPN http/1.1, tickets, no renegotiation. Sessions keep what they began with;
/// they may outlive this. Single thread.
class TlsContext {
 public:
  explicit TlsContext(TlsFiles files) : files_(std::move(files)) {}

  /// Reads both files (again) for connections to come. An error says which file is bad and why;
  /// what was in use stays. An expired certificate is taken, with a warning(), only where there is
  /// no better one.
  Result<void> reload();
  /// The same with other files, which are the ones of later calls if they are good.
  Result<void> reload(TlsFiles files);

  /// What the last successful reload() found odd about the certificate, or empty.
  [[nodiscard]] const std::string& warning() const { return warning_; }
  /// When the certificate ends, as text for logs: "Nov 21 06:24:51 2026 GMT".
  [[nodiscard]] const std::string& not_after() const { return not_after_; }

  /// For a connection that was accepted; null before the first successful reload().
  [[nodiscard]] std::unique_ptr<TlsSession> accept() const;

 private:
  TlsFiles files_;
  std::unique_ptr<SSL_CTX, SslCtxFree> context_;
  bool is_expired_ = false;
  std::string warning_;
  std::string not_after_;
};

/// The client's side of TLS: whom to believe. One set of authorities for each TlsTrust, read when
/// it is first needed. Sessions may outlive this. Single thread.
class TlsClient {
 public:
  /// For a connection to @p host, whose certificate must be for that name or address.
  Result<std::unique_ptr<TlsSession>> connect(const TlsTrust& trust, const std::string& host);

 private:
  std::map<TlsTrust, std::unique_ptr<SSL_CTX, SslCtxFree>> contexts_;
};

}  // namespace rouse
