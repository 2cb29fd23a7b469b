#include "base/tls/session.hpp"

#include "base/check.hpp"
#include "base/posix.hpp"
#include "base/tls/error.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace rouse {
namespace {

constexpr int kReceivesPerCall = 16;
/// An idle connection keeps no larger buffer than this.
constexpr std::size_t kIdleCapacity = 1024;

bool is_letter(int byte) {
  return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

}  // namespace

void SslFree::operator()(SSL* ssl) const {
  SSL_free(ssl);
}

/// The socket as OpenSSL sees it: receives at once or not at all, and takes all that it is given.
struct TlsSocketBio {
  static TlsSession& session(BIO* bio) { return *static_cast<TlsSession*>(BIO_get_data(bio)); }

  static int write(BIO* bio, const char* data, int size) {
    session(bio).out_.append(data, static_cast<std::size_t>(size));
    return size;
  }

  static int read(BIO* bio, char* to, int size) {
    TlsSession& my = session(bio);
    BIO_clear_retry_flags(bio);
    if (my.receives_left_ > 0) {
      --my.receives_left_;
      const ssize_t n = ::recv(my.fd_, to, static_cast<std::size_t>(size), MSG_DONTWAIT);
      if (n > 0) {
        if (my.first_byte_ < 0) my.first_byte_ = static_cast<unsigned char>(*to);
        return static_cast<int>(n);
      }
      if (n == 0) {
        my.eof_ = true;
        return 0;
      }
      if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        my.receive_errno_ = errno;
        return -1;
      }
    }
    BIO_set_retry_read(bio);
    return -1;
  }

  static long control(BIO* bio, int command, long, void*) {
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return session(bio).eof_ ? 1 : 0;
    return 0;
  }

  static const BIO_METHOD* method() {
    static BIO_METHOD* const instance = [] {
      BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
      ROUSE_CHECK(made != nullptr);
      BIO_meth_set_write(made, write);
      BIO_meth_set_read(made, read);
      BIO_meth_set_ctrl(made, control);
      return made;
    }();
    return instance;
  }
};

TlsSession::TlsSession(std::unique_ptr<SSL, SslFree> ssl) : ssl_(std::move(ssl)) {
  BIO* const bio = BIO_new(TlsSocketBio::method());
  ROUSE_CHECK(bio != nullptr);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

TlsSession::~TlsSession() = default;

TlsSession::Status TlsSession::handshake() {
  if (error_) return Status::Failed;
  ERR_clear_error();
  receives_left_ = kReceivesPerCall;
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) {
    is_up_ = true;
    return Status::Done;
  }
  return ended_with(result);
}

TlsSession::Status TlsSession::read(char* to, std::size_t size, std::size_t& n) {
  n = 0;
  if (error_) return Status::Failed;
  if (cut_) return Status::Ended;
  ERR_clear_error();
  receives_left_ = kReceivesPerCall;
  const int result = SSL_read_ex(ssl_.get(), to, size, &n);
  return result == 1 ? Status::Done : ended_with(result);
}

TlsSession::Status TlsSession::ended_with(int result) {
  const int why = SSL_get_error(ssl_.get(), result);
  if (why == SSL_ERROR_WANT_READ) return Status::WantRead;
  if (why == SSL_ERROR_ZERO_RETURN && is_up_) return Status::Ended;
  if (eof_ && is_up_) {
    ERR_clear_error();
    cut_ = true;
    return Status::Ended;
  }
  if (receive_errno_ != 0) {
    error_ = {receive_errno_, boost::system::system_category()};
  } else if (is_up_) {
    error_ = openssl_code();
  } else {
    error_ = handshake_error();
  }
  ERR_clear_error();
  return Status::Failed;
}

boost::system::error_code TlsSession::handshake_error() const {
  const bool is_server = SSL_is_server(ssl_.get()) == 1;
  if (is_server && is_letter(first_byte_)) return make_error_code(TlsErrc::PlainHttp);
  const bool is_tls = first_byte_ < 0 || first_byte_ == 0x16 || first_byte_ == 0x15;
  if (!is_server && !is_tls) return make_error_code(TlsErrc::NotTls);
  if (eof_) return make_error_code(TlsErrc::Closed);
  const bool is_verified = SSL_get_verify_mode(ssl_.get()) != SSL_VERIFY_NONE;
  const long verified = SSL_get_verify_result(ssl_.get());
  if (is_verified && verified != X509_V_OK) return certificate_code(verified);
  return openssl_code();
}

bool TlsSession::write(std::string_view clear) {
  if (error_ || send_error_) return false;
  ERR_clear_error();
  std::size_t n = 0;
  const int result = SSL_write_ex(ssl_.get(), clear.data(), clear.size(), &n);
  if (result == 1 && n == clear.size()) return true;
  error_ = openssl_code();
  return false;
}

bool TlsSession::flush() {
  if (send_error_) return false;
  while (has_unsent()) {
    const ssize_t n =
        ::send(fd_, out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      sent_ += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      if (errno != EAGAIN && errno != EWOULDBLOCK) send_error_ = errno_code();
      return false;
    }
  }
  out_.clear();
  sent_ = 0;
  return true;
}

void TlsSession::end() {
  if (error_ || ended_ || !is_up_ || cut_) return;
  ended_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

bool TlsSession::has_pending() const {
  return SSL_has_pending(ssl_.get()) == 1;
}

bool TlsSession::is_quiet() {
  if (error_ || cut_ || ended_) return false;
  ERR_clear_error();
  receives_left_ = kReceivesPerCall;
  char byte = 0;
  std::size_t n = 0;
  const int result = SSL_peek_ex(ssl_.get(), &byte, 1, &n);
  return result != 1 && ended_with(result) == Status::WantRead;
}

void TlsSession::release() {
  if (has_unsent() || out_.capacity() <= kIdleCapacity) return;
  out_ = std::string();
}

}  // namespace rouse
