#include "proxy/access/listener_tls.hpp"

#include <spdlog/spdlog.h>

namespace rouse {

TlsFiles ListenerTls::files(const Config& config) const {
  TlsFiles files = config.tls;
  if (!cert_file_.empty()) {
    files.cert = cert_file_;
    files.key = key_file_;
  }
  return files;
}

Result<void> ListenerTls::read(const TlsFiles& files) {
  Result<void> done = context_->reload(files);
  if (!done) return done;
  spdlog::info("TLS: certificate {}, valid until {}", files.cert, context_->not_after());
  if (!context_->warning().empty()) spdlog::warn("TLS: {}", context_->warning());
  return {};
}

Result<void> ListenerTls::start(const Config& config) {
  const TlsFiles wanted = files(config);
  if (wanted.cert.empty()) return {};
  context_.emplace(wanted);
  return read(wanted);
}

bool ListenerTls::reload(const Config& config) {
  const TlsFiles wanted = files(config);
  if (context_ && !wanted.cert.empty()) {
    const Result<void> done = read(wanted);
    if (done) return true;
    spdlog::error("TLS: {}", done.error().message());
    spdlog::error("TLS: the certificate that was in use before goes on");
    return false;
  }
  if (context_ || !wanted.cert.empty()) {
    spdlog::warn("TLS: the listener goes on with {}: changing that takes a restart", scheme());
  }
  return true;
}

}  // namespace rouse
