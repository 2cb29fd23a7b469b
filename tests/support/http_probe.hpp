#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse::test {

using ProbeClock = std::chrono::steady_clock;

/// How the reading of a response came to its end.
enum class ProbeEnd {
  Open,       ///< not at the end yet
  Clean,      ///< Content-Length reached, last chunk seen, or closed where the close is the end
  Cut,        ///< the connection ended or was reset before that
  TimedOut,   ///< nothing more came in time; the connection is still there
  Malformed,  ///< not HTTP
};

struct ProbePiece {
  ProbeClock::time_point at;
  std::string bytes;
};

struct ProbeResponse {
  int status = 0;  ///< 0: no head came
  std::string reason;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<int> interim;        ///< 1xx heads that came before
  std::string body;                ///< without the chunk framing
  std::vector<ProbePiece> pieces;  ///< the body as it came: a chunk, or one read
  std::string problem;             ///< with Malformed: what
  ProbeEnd end = ProbeEnd::Open;
  ProbeClock::time_point head_at;
  ProbeClock::time_point end_at;

  /// The first header called @p name (without case); "" if there is none.
  [[nodiscard]] std::string header(std::string_view name) const;
  [[nodiscard]] bool has_header(std::string_view name) const;
  [[nodiscard]] bool clean() const { return end == ProbeEnd::Clean; }
};

using ProbeHeaders = std::vector<std::pair<std::string, std::string>>;

/// A blocking HTTP/1.1 client over one TCP connection to 127.0.0.1, written apart from the code
/// under test so that the two cannot share a mistake. Strict about framing. Every wait has a limit.
class HttpProbe {
 public:
  explicit HttpProbe(std::uint16_t port);
  /// Over a unix socket instead.
  explicit HttpProbe(const std::string& unix_path);
  ~HttpProbe();
  HttpProbe(HttpProbe&& other) noexcept;
  HttpProbe& operator=(HttpProbe&& other) noexcept;

  [[nodiscard]] bool connected() const { return fd_ >= 0; }
  /// Sends bytes as they are; false if the peer has gone or does not take them for 10 s.
  bool send(std::string_view bytes);
  /// Sends a request with Host and, for a body or POST/PUT/PATCH, Content-Length; a JSON content
  /// type unless @p headers has one.
  bool send_request(std::string_view method, std::string_view target, std::string_view body = {},
                    const ProbeHeaders& headers = {});

  /// Whether bytes come within @p limit; they are kept for what reads next.
  [[nodiscard]] bool hears(std::chrono::milliseconds limit = std::chrono::seconds(10));

  /// Reads one response to its end. @p to_head: the request was HEAD, so no body follows.
  ProbeResponse read_response(std::chrono::milliseconds limit = std::chrono::seconds(10),
                              bool to_head = false);

  /// In steps: the head first (status 0 and `end` set if none comes within @p limit) ...
  ProbeResponse read_head(std::chrono::milliseconds limit = std::chrono::seconds(10),
                          bool to_head = false);
  /// ... then piece by piece, each appended to @p response. False when none came: response.end says
  /// why; after TimedOut it may be called again.
  bool read_piece(ProbeResponse& response,
                  std::chrono::milliseconds limit = std::chrono::seconds(10));
  /// ... or until the body contains @p text.
  bool read_until(ProbeResponse& response, std::string_view text,
                  std::chrono::milliseconds limit = std::chrono::seconds(10));

  /// Whether the peer closes (or resets) within @p limit, with no further byte.
  [[nodiscard]] bool peer_closes(std::chrono::milliseconds limit = std::chrono::seconds(10));

  void half_close();  ///< FIN; the peer may still send
  void close();       ///< FIN, or RST if unread bytes wait here
  void reset();       ///< RST

 private:
  enum class Fill { Got, Eof, Reset, TimedOut };
  enum class Body { None, Length, Chunked, UntilClose };

  Fill fill(ProbeClock::time_point deadline);
  std::optional<std::string> read_line(ProbeClock::time_point deadline, Fill& why);
  bool parse_head(ProbeResponse& response, ProbeClock::time_point deadline);
  bool choose_body(ProbeResponse& response, bool to_head);
  bool read_chunk(ProbeResponse& response, ProbeClock::time_point deadline);
  bool take_chunk_end(ProbeResponse& response, ProbeClock::time_point deadline);
  static bool stop(ProbeResponse& response, ProbeEnd end, std::string problem = {});
  static bool stop(ProbeResponse& response, Fill why);
  void add_piece(ProbeResponse& response, std::size_t size);

  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::string unread_;
  Body body_ = Body::None;
  std::uint64_t left_ = 0;  // of the length, or of the chunk we are inside
  bool inside_chunk_ = false;
  bool in_trailers_ = false;
};

/// One request on a connection of its own.
ProbeResponse http(std::uint16_t port, std::string_view method, std::string_view target,
                   std::string_view body = {}, const ProbeHeaders& headers = {},
                   std::chrono::milliseconds limit = std::chrono::seconds(20));

}  // namespace rouse::test
