#pragma once

#include "base/http/body.hpp"
#include "base/http/head.hpp"
#include "base/http/stream.hpp"
#include "base/http/stream_io.hpp"

#include <boost/asio/error.hpp>

#include <array>
#include <string>

namespace rouse {

/// What an HttpStream knows of the messages that are on their way in both directions.
struct HttpStream::Impl {
  Impl(Socket& socket, Role the_role, HttpLimits the_limits, DeadlineList* deadlines)
      : role(the_role), limits(the_limits), io(socket, the_limits.buffer, deadlines) {}

  /// Notes that nothing more can be said or heard on this connection after the current message.
  Error fail(Error error) {
    closing = true;
    return error;
  }
  /// The end of the stream inside or before a head.
  [[nodiscard]] Error ended(const char* doing) const {
    if (io.in.size() == 0) return Error{asio::error::eof, doing};
    return Error{make_error_code(HttpErrc::Truncated), doing};
  }
  void begin_body(Framing framing, std::uint64_t length, std::uint64_t body_max) {
    body = BodyDecoder(framing, length, body_max);
    scanned = 0;
  }
  void begin_response(const ResponseHead& head, bool bodiless);
  Result<void> frame(Gather& gather, std::string_view piece, bool more);
  Result<void> frame_response(Gather& gather, const ResponseHead& head, std::string_view first,
                              bool more);
  bool send_whole(Gather& gather);
  Task<Result<void>> send(Gather gather, Result<void> framed, Socket& socket);

  const Role role;
  const HttpLimits limits;
  StreamIo io;

  std::size_t scanned = 0;  ///< of a head that has not arrived whole
  BodyDecoder body;
  bool closing = false;  ///< no further message on this connection

  // The request that is being answered (server).
  WireResponse wire;
  bool request_keeps_alive = true;
  bool awaits_continue = false;  ///< the client may send its body only when told to
  // The response that is being read (client).
  bool answered = true;

  // The message that is being written.
  std::string head_text;
  std::array<char, 24> size_line;  ///< of the chunk that is being written
  Framing out_framing = Framing::None;
  std::uint64_t out_left = 0;
  bool out_done = true;
};

}  // namespace rouse
