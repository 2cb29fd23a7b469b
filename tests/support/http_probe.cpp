#include "tests/support/http_probe.hpp"

#include "tests/support/wait_until.hpp"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace rouse::test {
namespace {

using Clock = ProbeClock;

bool equal_names(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

template <class Integer>
bool parse_number(std::string_view text, Integer& value, int base) {
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value, base);
  return !text.empty() && result.ec == std::errc() && result.ptr == end;
}

int milliseconds_until(Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  return static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0));
}

}  // namespace

std::string ProbeResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (equal_names(key, name)) return value;
  }
  return {};
}

bool ProbeResponse::has_header(std::string_view name) const {
  return std::any_of(headers.begin(), headers.end(),
                     [name](const auto& header) { return equal_names(header.first, name); });
}

HttpProbe::HttpProbe(std::uint16_t port) : port_(port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    ::close(fd);
    return;
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  fd_ = fd;
}

HttpProbe::HttpProbe(const std::string& unix_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (unix_path.size() >= sizeof(address.sun_path)) return;
  unix_path.copy(address.sun_path, unix_path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    ::close(fd);
    return;
  }
  fd_ = fd;
}

HttpProbe::~HttpProbe() {
  close();
}

HttpProbe::HttpProbe(HttpProbe&& other) noexcept {
  *this = std::move(other);
}

HttpProbe& HttpProbe::operator=(HttpProbe&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::exchange(other.fd_, -1);
  port_ = other.port_;
  unread_ = std::move(other.unread_);
  body_ = other.body_;
  left_ = other.left_;
  inside_chunk_ = other.inside_chunk_;
  in_trailers_ = other.in_trailers_;
  return *this;
}

bool HttpProbe::send(std::string_view bytes) {
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (!bytes.empty()) {
    pollfd waiting{fd_, POLLOUT, 0};
    if (fd_ < 0 || ::poll(&waiting, 1, milliseconds_until(deadline)) <= 0) return false;
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool HttpProbe::send_request(std::string_view method, std::string_view target,
                             std::string_view body, const ProbeHeaders& headers) {
  const auto given = [&](std::string_view name) {
    return std::any_of(headers.begin(), headers.end(),
                       [name](const auto& header) { return equal_names(header.first, name); });
  };
  std::string text;
  text.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  if (!given("Host")) text += "Host: 127.0.0.1:" + std::to_string(port_) + "\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  const bool has_body = !body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
  if (has_body && !given("Content-Type")) text += "Content-Type: application/json\r\n";
  if (has_body && !given("Content-Length") && !given("Transfer-Encoding")) {
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  text.append("\r\n").append(body);
  return send(text);
}

HttpProbe::Fill HttpProbe::fill(Clock::time_point deadline) {
  if (fd_ < 0) return Fill::Eof;
  std::array<char, 65536> buffer;
  while (true) {
    pollfd waiting{fd_, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return Fill::TimedOut;
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Fill::Reset;
    if (got == 0) return Fill::Eof;
    unread_.append(buffer.data(), static_cast<std::size_t>(got));
    return Fill::Got;
  }
}

/// A line without its CRLF; nothing of it is consumed unless the whole of it is there.
std::optional<std::string> HttpProbe::read_line(Clock::time_point deadline, Fill& why) {
  while (true) {
    const std::size_t end = unread_.find("\r\n");
    if (end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 2);
      return line;
    }
    why = fill(deadline);
    if (why != Fill::Got) return std::nullopt;
  }
}

bool HttpProbe::stop(ProbeResponse& response, ProbeEnd end, std::string problem) {
  response.end = end;
  response.problem = std::move(problem);
  response.end_at = Clock::now();
  return false;
}

bool HttpProbe::stop(ProbeResponse& response, Fill why) {
  return stop(response, why == Fill::TimedOut ? ProbeEnd::TimedOut : ProbeEnd::Cut,
              why == Fill::Reset ? "reset" : "");
}

bool HttpProbe::parse_head(ProbeResponse& response, Clock::time_point deadline) {
  Fill why{};
  // Only a whole head is consumed, so that a caller may come back after a time-out.
  while (unread_.find("\r\n\r\n") == std::string::npos) {
    why = fill(deadline);
    if (why != Fill::Got) return stop(response, why);
  }
  const std::string status_line = *read_line(deadline, why);
  if (status_line.size() < 12 || !status_line.starts_with("HTTP/1.") ||
      !parse_number(std::string_view(status_line).substr(9, 3), response.status, 10)) {
    return stop(response, ProbeEnd::Malformed, "status line: " + status_line);
  }
  response.reason = status_line.size() > 13 ? status_line.substr(13) : "";
  while (true) {
    const std::string line = *read_line(deadline, why);
    if (line.empty()) return true;
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || colon == 0 || line.find_first_of(" \t") < colon ||
        line.find_first_of("\r\n") != std::string::npos) {
      return stop(response, ProbeEnd::Malformed, "header: " + line);
    }
    const std::size_t from = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
    const std::size_t to = std::max(line.find_last_not_of(" \t") + 1, from);
    response.headers.emplace_back(line.substr(0, colon), line.substr(from, to - from));
  }
}

bool HttpProbe::choose_body(ProbeResponse& response, bool to_head) {
  const auto count = [&](std::string_view name) {
    return std::count_if(response.headers.begin(), response.headers.end(),
                         [name](const auto& header) { return equal_names(header.first, name); });
  };
  inside_chunk_ = in_trailers_ = false;
  left_ = 0;
  if (count("Content-Length") + count("Transfer-Encoding") > 1) {
    return stop(response, ProbeEnd::Malformed, "more than one framing");
  }
  if (response.status == 101) {
    body_ = Body::UntilClose;
  } else if (to_head || response.status < 200 || response.status == 204 || response.status == 304) {
    body_ = Body::None;
    stop(response, ProbeEnd::Clean);
  } else if (count("Transfer-Encoding") == 1) {
    body_ = Body::Chunked;
    if (!equal_names(response.header("Transfer-Encoding"), "chunked")) {
      return stop(response, ProbeEnd::Malformed, "transfer encoding");
    }
  } else if (count("Content-Length") == 1) {
    body_ = Body::Length;
    if (!parse_number(response.header("Content-Length"), left_, 10)) {
      return stop(response, ProbeEnd::Malformed, "content length");
    }
    if (left_ == 0) stop(response, ProbeEnd::Clean);
  } else {
    body_ = Body::UntilClose;
  }
  return true;
}

ProbeResponse HttpProbe::read_head(std::chrono::milliseconds limit, bool to_head) {
  const auto deadline = Clock::now() + limit;
  std::vector<int> interim;
  while (true) {
    ProbeResponse response;
    if (!parse_head(response, deadline)) {
      if (response.end != ProbeEnd::Malformed) response.status = 0;
      response.interim = interim;
      return response;
    }
    if (response.status >= 100 && response.status < 200 && response.status != 101) {
      interim.push_back(response.status);
      continue;
    }
    response.interim = interim;
    response.head_at = Clock::now();
    choose_body(response, to_head);
    return response;
  }
}

void HttpProbe::add_piece(ProbeResponse& response, std::size_t size) {
  response.pieces.push_back({Clock::now(), unread_.substr(0, size)});
  response.body += response.pieces.back().bytes;
  unread_.erase(0, size);
}

bool HttpProbe::take_chunk_end(ProbeResponse& response, Clock::time_point deadline) {
  Fill why{};
  const std::optional<std::string> line = read_line(deadline, why);
  if (!line) return stop(response, why);
  if (!line->empty()) return stop(response, ProbeEnd::Malformed, "chunk without CRLF: " + *line);
  inside_chunk_ = false;
  return true;
}

bool HttpProbe::read_chunk(ProbeResponse& response, Clock::time_point deadline) {
  Fill why{};
  while (true) {
    if (in_trailers_) {
      const std::optional<std::string> line = read_line(deadline, why);
      if (!line) return stop(response, why);
      if (line->empty()) return stop(response, ProbeEnd::Clean);
      continue;
    }
    if (inside_chunk_ && left_ > 0) {
      if (unread_.empty()) {
        why = fill(deadline);
        if (why != Fill::Got) return stop(response, why);
      }
      const std::size_t size = std::min<std::uint64_t>(left_, unread_.size());
      left_ -= size;
      add_piece(response, size);
      // The end of a chunk that has come is taken with it, but not waited for.
      if (left_ == 0 && unread_.starts_with("\r\n")) take_chunk_end(response, deadline);
      return true;
    }
    if (inside_chunk_ && !take_chunk_end(response, deadline)) return false;
    const std::optional<std::string> line = read_line(deadline, why);
    if (!line) return stop(response, why);
    const std::string_view size_text = std::string_view(*line).substr(0, line->find(';'));
    if (!parse_number(size_text, left_, 16)) {
      return stop(response, ProbeEnd::Malformed, "chunk size: " + *line);
    }
    (left_ == 0 ? in_trailers_ : inside_chunk_) = true;
  }
}

bool HttpProbe::read_piece(ProbeResponse& response, std::chrono::milliseconds limit) {
  if (response.end != ProbeEnd::Open && response.end != ProbeEnd::TimedOut) return false;
  response.end = ProbeEnd::Open;
  const auto deadline = Clock::now() + limit;
  if (body_ == Body::Chunked) return read_chunk(response, deadline);
  if (unread_.empty()) {
    const Fill why = fill(deadline);
    if (why == Fill::Eof && body_ == Body::UntilClose) return stop(response, ProbeEnd::Clean);
    if (why != Fill::Got) return stop(response, why);
  }
  std::size_t size = unread_.size();
  if (body_ == Body::Length) size = std::min<std::uint64_t>(left_, size);
  add_piece(response, size);
  if (body_ == Body::Length) {
    left_ -= size;
    if (left_ == 0) stop(response, ProbeEnd::Clean);
  }
  return true;
}

bool HttpProbe::read_until(ProbeResponse& response, std::string_view text,
                           std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  while (response.body.find(text) == std::string::npos) {
    const std::chrono::milliseconds left(milliseconds_until(deadline));
    if (!read_piece(response, left)) return false;
  }
  return true;
}

ProbeResponse HttpProbe::read_response(std::chrono::milliseconds limit, bool to_head) {
  const auto deadline = Clock::now() + limit;
  ProbeResponse response = read_head(limit, to_head);
  if (response.status == 0) return response;
  while (read_piece(response, std::chrono::milliseconds(milliseconds_until(deadline)))) {
  }
  return response;
}

bool HttpProbe::peer_closes(std::chrono::milliseconds limit) {
  if (!unread_.empty()) return false;
  const Fill why = fill(Clock::now() + limit);
  return why == Fill::Eof || why == Fill::Reset;
}

bool HttpProbe::hears(std::chrono::milliseconds limit) {
  return !unread_.empty() || fill(Clock::now() + limit) == Fill::Got;
}

void HttpProbe::half_close() {
  if (fd_ >= 0) ::shutdown(fd_, SHUT_WR);
}

void HttpProbe::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void HttpProbe::reset() {
  const linger abort{1, 0};
  if (fd_ >= 0) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
  close();
}

ProbeResponse http(std::uint16_t port, std::string_view method, std::string_view target,
                   std::string_view body, const ProbeHeaders& headers,
                   std::chrono::milliseconds limit) {
  HttpProbe probe(port);
  if (!probe.connected()) {
    ProbeResponse response;
    response.end = ProbeEnd::Cut;
    response.problem = "connection refused";
    return response;
  }
  // A server may answer and close before it has taken the whole request: its answer counts.
  (void)probe.send_request(method, target, body, headers);
  return probe.read_response(limit, method == "HEAD");
}

}  // namespace rouse::test
