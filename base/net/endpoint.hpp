#pragma once

#include "base/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace rouse {

/// Whom to believe on an https:// connection.
struct TlsTrust {
  std::string ca_file;    ///< PEM: these authorities and no others; empty: those of the system
  bool insecure = false;  ///< anybody: no certificate is checked

  auto operator<=>(const TlsTrust&) const = default;
};

/// Where an HTTP server answers: `http://host:port/base`, `https://…`, or `unix:/dir/x.sock`.
struct Endpoint {
  std::string host;  ///< name or address without brackets; empty for a unix socket
  std::uint16_t port = 0;
  std::string unix_path;  ///< absolute path, or empty
  std::string base_path;  ///< without a trailing slash; joined with the request's path
  bool tls = false;
  TlsTrust trust;                                 ///< with tls; not part of the text
  std::chrono::milliseconds tls_timeout{10'000};  ///< for the handshake; zero: no limit
  /// It is a machine that may fall asleep without a word: what is not acknowledged within 5 s ends
  /// the connection, so that it is not delivered after the sleep (proxy/peers/README.md).
  bool may_sleep = false;

  /// Errors name what is wrong with @p text.
  [[nodiscard]] static Result<Endpoint> parse(std::string_view text);
  /// For logs and as the Host header: "127.0.0.1:5800", "unix:/run/x.sock".
  [[nodiscard]] std::string authority() const;

  /// What goes into a Host field: the authority, or "localhost" for a unix socket.
  [[nodiscard]] std::string host_field() const {
    return unix_path.empty() ? authority() : "localhost";
  }

  auto operator<=>(const Endpoint&) const = default;
};

}  // namespace rouse
