#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <vector>

namespace rouse::test {

struct CertificateWishes {
  std::string name = "localhost";
  std::vector<std::string> alternatives = {"DNS:localhost", "IP:127.0.0.1"};
  int from_day = -1;  ///< days from now
  int to_day = 30;
};

/// A certificate and its key, made when a test wants them.
class Identity {
 public:
  /// Signed by @p issuer; null: by itself, as an authority is.
  explicit Identity(const Identity* issuer = nullptr, const CertificateWishes& wishes = {});

  [[nodiscard]] std::string certificate() const;                          ///< PEM
  [[nodiscard]] std::string key(const std::string& password = {}) const;  ///< PEM
  [[nodiscard]] X509* x509() const { return x509_.get(); }
  [[nodiscard]] EVP_PKEY* pkey() const { return pkey_.get(); }

 private:
  std::shared_ptr<X509> x509_;
  std::shared_ptr<EVP_PKEY> pkey_;
};

}  // namespace rouse::test
