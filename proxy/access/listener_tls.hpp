#pragma once

#include "base/tls/context.hpp"
#include "proxy/config/config.hpp"

#include <optional>
#include <string>

namespace rouse {

/// Decides whether the listener speaks https, and with which files: the flags' or, without them,
/// the configuration's. Logs what it reads. Outlives the server.
class ListenerTls {
 public:
  /// The flags' files; both empty: there are none.
  ListenerTls(std::string cert_file, std::string key_file)
      : cert_file_(std::move(cert_file)), key_file_(std::move(key_file)) {}

  /// Before the listener starts. An error: https is wanted, but not possible.
  [[nodiscard]] Result<void> start(const Config& config);
  /// Reads the files again, for new connections. False: what was in use goes on.
  bool reload(const Config& config);

  /// Null: plain HTTP.
  [[nodiscard]] const TlsContext* context() const { return context_ ? &*context_ : nullptr; }
  [[nodiscard]] const char* scheme() const { return context_ ? "https" : "http"; }

 private:
  [[nodiscard]] TlsFiles files(const Config& config) const;
  Result<void> read(const TlsFiles& files);

  std::string cert_file_;
  std::string key_file_;
  std::optional<TlsContext> context_;
};

}  // namespace rouse
