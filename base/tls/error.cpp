#include "base/tls/error.hpp"

#include <boost/system/system_category.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <string>

namespace rouse {
namespace {

class TlsCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "tls"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<TlsErrc>(value)) {
      case TlsErrc::Failed:
        return "TLS failed";
      case TlsErrc::PlainHttp:
        return "the client speaks http://, not https://";
      case TlsErrc::NotTls:
        return "it does not speak TLS; is it http://, not https://?";
      case TlsErrc::Closed:
        return "the other side closed during the TLS handshake";
      case TlsErrc::NoCertificate:
        return "there is no certificate (PEM) in it";
      case TlsErrc::NoKey:
        return "there is no private key (PEM) in it";
      case TlsErrc::KeyEncrypted:
        return "the key is encrypted with a password; give one that is not";
      case TlsErrc::KeyMismatch:
        return "the key does not belong to the certificate";
      case TlsErrc::FileTooLarge:
        return "it is too large for a certificate or a key";
    }
    return "unknown";
  }
};

class OpensslCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "openssl"; }
  [[nodiscard]] std::string message(int value) const override {
    const auto code = static_cast<unsigned long>(static_cast<unsigned>(value));
    if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
      if (ERR_GET_REASON(code) == SSL_R_NO_SHARED_CIPHER) return "no cipher that both sides know";
      if (ERR_GET_REASON(code) == SSL_R_UNSUPPORTED_PROTOCOL) {
        return "the other side wants a version of TLS that is not allowed here";
      }
    }
    const char* const reason = ERR_reason_error_string(code);
    return reason == nullptr ? "OpenSSL error " + std::to_string(code) : std::string(reason);
  }
};

class CertificateCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "certificate"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (value) {
      case X509_V_ERR_CERT_HAS_EXPIRED:
        return "its certificate has expired";
      case X509_V_ERR_CERT_NOT_YET_VALID:
        return "its certificate is not valid yet (is our clock right?)";
      case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "its certificate is self-signed and not one that we trust";
      case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
      case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
      case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "its certificate is signed by nobody whom we trust";
      case X509_V_ERR_HOSTNAME_MISMATCH:
        return "its certificate is for another host name";
      case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "its certificate is for another address or only for names";
      default:
        return std::string("its certificate is refused: ") + X509_verify_cert_error_string(value);
    }
  }
};

}  // namespace

boost::system::error_code make_error_code(TlsErrc code) {
  static const TlsCategory category;
  return {static_cast<int>(code), category};
}

boost::system::error_code openssl_code() {
  static const OpensslCategory category;
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return make_error_code(TlsErrc::Failed);
  if (ERR_SYSTEM_ERROR(code)) return {ERR_GET_REASON(code), boost::system::system_category()};
  return {static_cast<int>(code), category};
}

boost::system::error_code certificate_code(long result) {
  static const CertificateCategory category;
  return {static_cast<int>(result), category};
}

}  // namespace rouse
