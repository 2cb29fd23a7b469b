#pragma once

#include <boost/system/error_code.hpp>
#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace rouse {

struct SslFree {
  void operator()(SSL* ssl) const;
};

/// TLS on one connected socket: clear text for StreamIo on one side, the socket on the other. Never
/// waits: what it cannot receive now it asks for again, what it cannot send now it keeps. Does not
/// own the socket. Single thread.
class TlsSession {
 public:
  enum class Status {
    Done,
    WantRead,  ///< again when the socket is readable
    Ended,     ///< the stream is over; was_cut() says how
    Failed,    ///< error() says why, and nothing works from now on
  };

  /// @p ssl knows its role; @p ssl_ctx's settings came with it.
  explicit TlsSession(std::unique_ptr<SSL, SslFree> ssl);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  /// The socket to use from now on; it is not blocking.
  void attach(int fd) { fd_ = fd; }

  [[nodiscard]] Status handshake();
  /// Decrypts up to @p size bytes into @p to; @p n: how many (with Done).
  [[nodiscard]] Status read(char* to, std::size_t size, std::size_t& n);
  /// Encrypts @p clear, all of it. It is sent by flush().
  [[nodiscard]] bool write(std::string_view clear);
  /// Sends what is encrypted; false with send_error() unset: the socket is full.
  [[nodiscard]] bool flush();
  /// Says that nothing more will be written (close_notify). It is sent by flush().
  void end();

  /// Something was received that read() has not yet looked at.
  [[nodiscard]] bool has_pending() const;
  [[nodiscard]] bool has_unsent() const { return sent_ < out_.size(); }
  /// Nothing to read, and the other side has not ended the stream. May take a step of the protocol.
  [[nodiscard]] bool is_quiet();
  /// The stream ended without a word (FIN without close_notify): bytes may be missing.
  [[nodiscard]] bool was_cut() const { return cut_; }
  /// Gives back memory that an idle connection does not need.
  void release();

  [[nodiscard]] const boost::system::error_code& error() const { return error_; }
  /// Why write() or flush() failed. Reading may go on where only the sending has.
  [[nodiscard]] const boost::system::error_code& send_error() const {
    return send_error_ ? send_error_ : error_;
  }

 private:
  friend struct TlsSocketBio;
  Status ended_with(int result);
  [[nodiscard]] boost::system::error_code handshake_error() const;

  std::unique_ptr<SSL, SslFree> ssl_;
  int fd_ = -1;
  int receives_left_ =
      0;  ///< in this call, so that a flood of empty records cannot hold the thread
  bool eof_ = false;
  bool cut_ = false;
  bool is_up_ = false;
  bool ended_ = false;  ///< end() was called
  int first_byte_ = -1;
  int receive_errno_ = 0;
  boost::system::error_code error_;
  boost::system::error_code send_error_;
  std::string out_;  ///< encrypted
  std::size_t sent_ = 0;
};

}  // namespace rouse
