#include "base/tls/context.hpp"

#include "base/check.hpp"
#include "base/posix.hpp"
#include "base/tls/error.hpp"

#include <boost/asio/ip/address.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <utility>

namespace rouse {
namespace {

using Context = std::unique_ptr<SSL_CTX, SslCtxFree>;

/// Frees what OpenSSL made.
template <auto free>
struct Free {
  template <class T>
  void operator()(T* made) const {
    free(made);
  }
};
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Memory = std::unique_ptr<BIO, Free<BIO_free_all>>;

constexpr std::size_t kFileMax = 1024 * 1024;

Result<std::string> read_whole(const std::string& path, const std::string& doing) {
  // Not blocking: a pipe in the place of the file must not stop the program.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return errno_error(doing);
  std::string text;
  std::array<char, 16 * 1024> piece;
  while (true) {
    const ssize_t n = ::read(fd.get(), piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(doing);
    if (n == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(n));
    if (text.size() > kFileMax) return Error{make_error_code(TlsErrc::FileTooLarge), doing};
  }
}

/// Never asks at the terminal; notes that a password was wanted.
int no_password(char*, int, int, void* wanted) {
  *static_cast<bool*>(wanted) = true;
  return -1;
}

/// What follows the end of a PEM file's last piece is no error.
bool is_end_of_pem() {
  const unsigned long last = ERR_peek_last_error();
  return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

/// Puts the certificates of @p path into @p context; returns the first, which is the server's own.
Result<Certificate> use_certificates(SSL_CTX& context, const std::string& path) {
  const std::string doing = "certificate " + path;
  const auto text = read_whole(path, doing);
  if (!text) return text.error();
  const Memory memory(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  ERR_clear_error();
  Certificate own(PEM_read_bio_X509_AUX(memory.get(), nullptr, nullptr, nullptr));
  if (own == nullptr) {
    if (is_end_of_pem()) {
      ERR_clear_error();
      return Error{make_error_code(TlsErrc::NoCertificate), doing};
    }
    return Error{openssl_code(), doing};
  }
  if (SSL_CTX_use_certificate(&context, own.get()) != 1) return Error{openssl_code(), doing};
  while (true) {
    Certificate next(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
    if (next == nullptr) break;
    if (SSL_CTX_add0_chain_cert(&context, next.get()) != 1) return Error{openssl_code(), doing};
    static_cast<void>(next.release());
  }
  if (!is_end_of_pem()) return Error{openssl_code(), doing + " (after the first one in it)"};
  ERR_clear_error();
  return own;
}

Result<void> use_key(SSL_CTX& context, const std::string& path, const X509& certificate) {
  const std::string doing = "private key " + path;
  const auto text = read_whole(path, doing);
  if (!text) return text.error();
  if (text->find("PRIVATE KEY-----") == std::string::npos) {
    return Error{make_error_code(TlsErrc::NoKey), doing};
  }
  const Memory memory(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  ERR_clear_error();
  bool password_wanted = false;
  const Key key(PEM_read_bio_PrivateKey(memory.get(), nullptr, no_password, &password_wanted));
  if (key == nullptr) {
    const auto code = openssl_code();
    return Error{password_wanted ? make_error_code(TlsErrc::KeyEncrypted) : code, doing};
  }
  if (X509_check_private_key(&certificate, key.get()) != 1) {
    ERR_clear_error();
    return Error{make_error_code(TlsErrc::KeyMismatch), doing};
  }
  if (SSL_CTX_use_PrivateKey(&context, key.get()) != 1) return Error{openssl_code(), doing};
  return {};
}

/// Takes http/1.1 of what the client can; without it in the list there is nothing to talk about.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  constexpr std::string_view kWanted = "http/1.1";
  for (unsigned at = 0; at < offered_size; at += 1U + offered[at]) {
    const unsigned char* const name = offered + at + 1;
    if (std::string_view(reinterpret_cast<const char*>(name), offered[at]) == kWanted) {
      *chosen = name;
      *size = offered[at];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

void set_up_both(SSL_CTX& context) {
  SSL_CTX_set_options(&context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(&context, SSL_MODE_RELEASE_BUFFERS);
  // One receive for the head of a record and its body.
  SSL_CTX_set_read_ahead(&context, 1);
  SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
}

Context server_context(TlsVersion least) {
  Context context(SSL_CTX_new(TLS_server_method()));
  ROUSE_CHECK(context != nullptr);
  set_up_both(*context);
  SSL_CTX_set_min_proto_version(context.get(),
                                least == TlsVersion::Tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
  // Of TLS 1.2 only what keeps past talk secret when the key is lost.
  SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  return context;
}

std::string time_text(const ASN1_TIME* time) {
  const Memory memory(BIO_new(BIO_s_mem()));
  if (ASN1_TIME_print(memory.get(), time) != 1) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

Result<Context> client_context(const TlsTrust& trust) {
  Context context(SSL_CTX_new(TLS_client_method()));
  ROUSE_CHECK(context != nullptr);
  set_up_both(*context);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  constexpr std::array<unsigned char, 9> kProtocols{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(context.get(), kProtocols.data(), kProtocols.size());
  if (trust.insecure) return context;
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  ERR_clear_error();
  if (trust.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
      return Error{openssl_code(), "reading the system's certificate authorities"};
    }
  } else if (SSL_CTX_load_verify_file(context.get(), trust.ca_file.c_str()) != 1) {
    return Error{openssl_code(), "certificate authorities " + trust.ca_file};
  }
  ERR_clear_error();
  return context;
}

}  // namespace

void SslCtxFree::operator()(SSL_CTX* context) const {
  SSL_CTX_free(context);
}

Result<void> TlsContext::reload() {
  return reload(files_);
}

Result<void> TlsContext::reload(TlsFiles files) {
  Context fresh = server_context(files.least);
  const auto certificate = use_certificates(*fresh, files.cert);
  if (!certificate) return certificate.error();
  if (auto keyed = use_key(*fresh, files.key, **certificate); !keyed) return keyed;

  const ASN1_TIME* const until = X509_get0_notAfter(certificate->get());
  const bool is_expired = X509_cmp_current_time(until) < 0;
  if (is_expired && context_ != nullptr && !is_expired_) {
    return Error{certificate_code(X509_V_ERR_CERT_HAS_EXPIRED),
                 "certificate " + files.cert + " (it ended " + time_text(until) + ")"};
  }
  warning_.clear();
  if (is_expired) {
    warning_ = "certificate " + files.cert + " expired on " + time_text(until) +
               ": clients will refuse it";
  } else if (X509_cmp_current_time(X509_get0_notBefore(certificate->get())) > 0) {
    warning_ = "certificate " + files.cert + " is not valid before " +
               time_text(X509_get0_notBefore(certificate->get())) + ": clients will refuse it";
  }
  not_after_ = time_text(until);
  is_expired_ = is_expired;
  context_ = std::move(fresh);
  files_ = std::move(files);
  return {};
}

std::unique_ptr<TlsSession> TlsContext::accept() const {
  if (context_ == nullptr) return nullptr;
  std::unique_ptr<SSL, SslFree> ssl(SSL_new(context_.get()));
  ROUSE_CHECK(ssl != nullptr);
  SSL_set_accept_state(ssl.get());
  return std::make_unique<TlsSession>(std::move(ssl));
}

Result<std::unique_ptr<TlsSession>> TlsClient::connect(const TlsTrust& trust,
                                                       const std::string& host) {
  auto it = contexts_.find(trust);
  if (it == contexts_.end()) {
    auto made = client_context(trust);
    if (!made) return made.error();
    it = contexts_.emplace(trust, std::move(*made)).first;
  }
  std::unique_ptr<SSL, SslFree> ssl(SSL_new(it->second.get()));
  ROUSE_CHECK(ssl != nullptr);
  SSL_set_connect_state(ssl.get());
  boost::system::error_code no_address;
  boost::asio::ip::make_address(host, no_address);
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl.get());
  ERR_clear_error();
  if (!no_address) {
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) != 1) {
      return Error{openssl_code(), "the address " + host};
    }
  } else {
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    // What SSL_set_tlsext_host_name() is, whose cast g++ takes for ours.
    const bool set = SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                              const_cast<char*>(host.c_str())) == 1 &&
                     X509_VERIFY_PARAM_set1_host(wanted, host.data(), host.size()) == 1;
    if (!set) return Error{openssl_code(), "the host name " + host};
  }
  return std::make_unique<TlsSession>(std::move(ssl));
}

}  // namespace rouse
