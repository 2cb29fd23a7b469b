#pragma once

#include "base/result.hpp"

#include <boost/system/error_code.hpp>

namespace rouse {

/// What went wrong with TLS and has no code in OpenSSL.
enum class TlsErrc {
  Failed = 1,     ///< OpenSSL gave no reason
  PlainHttp,      ///< the client speaks http://
  NotTls,         ///< the server speaks something else
  Closed,         ///< in the middle of the handshake
  NoCertificate,  ///< a file without one
  NoKey,          ///< a file without one
  KeyEncrypted,
  KeyMismatch,
  FileTooLarge,
};
[[nodiscard]] boost::system::error_code make_error_code(TlsErrc code);

/// What OpenSSL's queue of errors says, which is empty after this.
[[nodiscard]] boost::system::error_code openssl_code();

/// Why a certificate was not believed; @p result is an X509_V_ERR_….
[[nodiscard]] boost::system::error_code certificate_code(long result);

}  // namespace rouse
