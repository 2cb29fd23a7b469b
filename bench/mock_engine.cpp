// A very fast engine for measuring what stands in front of it: one thread, epoll, fixed answers.
//   mock_engine --port N [--load-ms N] [--chunks N] [--rate PER_SECOND]
// GET /health is 503 until it has loaded. A POST is answered with a small JSON; with "stream":true
// in its first kilobyte, with CHUNKS events at RATE a second, each with the monotonic time (ns) at
// which it was written, so that the client can tell how long it was on its way.
#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>

namespace {

struct Options {
  int port = 0;
  long load_ms = 0;
  int chunks = 100;
  int rate = 50;
};

struct Connection {
  int fd = -1;
  int timer = -1;
  std::string in;
  std::size_t body_left = 0;  // of the current request, beyond what is in `in`
  bool in_body = false;
  bool streams = false;
  int chunks_left = 0;
};

Options options;
long long started_ns = 0;
int set = -1;
std::map<int, std::shared_ptr<Connection>> by_fd;

long long now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

void watch(int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

void drop(const std::shared_ptr<Connection>& connection) {
  by_fd.erase(connection->fd);
  ::close(connection->fd);
  if (connection->timer >= 0) {
    by_fd.erase(connection->timer);
    ::close(connection->timer);
  }
}

bool send_all(int fd, std::string_view bytes) {
  return ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

const std::string& json_answer() {
  static const std::string answer = [] {
    const std::string body =
        R"({"choices":[{"finish_reason":"stop","index":0,"message":{"role":"assistant","content":)"
        R"("a short answer"}}],"created":1,"model":"m","object":"chat.completion","usage":)"
        R"({"completion_tokens":3,"prompt_tokens":9,"total_tokens":12},"id":"chatcmpl-1"})";
    return fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
        body.size(), body);
  }();
  return answer;
}

void answer(const std::shared_ptr<Connection>& connection) {
  if (!connection->streams) {
    send_all(connection->fd, json_answer());
    return;
  }
  send_all(
      connection->fd,
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
  connection->chunks_left = options.chunks;
  connection->timer = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  const long period = 1'000'000'000L / options.rate;
  // Streams that began together do not all beat at once.
  const long first = 1 + std::rand() % period;
  const itimerspec beat{{period / 1'000'000'000, period % 1'000'000'000},
                        {first / 1'000'000'000, first % 1'000'000'000}};
  ::timerfd_settime(connection->timer, 0, &beat, nullptr);
  by_fd[connection->timer] = connection;
  watch(connection->timer);
}

void beat(const std::shared_ptr<Connection>& connection) {
  std::uint64_t times = 0;
  if (::read(connection->timer, &times, sizeof times) <= 0) return;
  const std::string event = fmt::format(
      R"(data: {{"t":{:020},"choices":[{{"index":0,"delta":{{"content":" word"}},"finish_reason":null}}]}})"
      "\n\n",
      now_ns());
  std::string out = fmt::format("{:x}\r\n{}\r\n", event.size(), event);
  --connection->chunks_left;
  if (connection->chunks_left == 0) out += "0\r\n\r\n";
  if (!send_all(connection->fd, out)) return drop(connection);
  if (connection->chunks_left > 0) return;
  by_fd.erase(connection->timer);
  ::close(connection->timer);
  connection->timer = -1;
}

/// Takes one whole head from the buffer; false when there is none yet.
bool take_head(const std::shared_ptr<Connection>& connection) {
  const std::size_t end = connection->in.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  const std::string head = connection->in.substr(0, end + 4);
  connection->in.erase(0, end + 4);
  if (head.starts_with("GET ")) {
    const bool loaded = now_ns() - started_ns >= options.load_ms * 1'000'000;
    send_all(connection->fd, loaded ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"
                                    : "HTTP/1.1 503 Loading\r\nContent-Length: 0\r\n\r\n");
    return true;
  }
  std::size_t length = 0;
  for (std::size_t at = head.find("\r\n"); at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
    if (::strncasecmp(head.c_str() + at + 2, "content-length:", 15) == 0) {
      length = std::strtoul(head.c_str() + at + 17, nullptr, 10);
    }
  }
  connection->body_left = length;
  connection->in_body = true;
  connection->streams = false;
  return true;
}

void take_input(const std::shared_ptr<Connection>& connection) {
  for (;;) {
    if (!connection->in_body) {
      if (!take_head(connection)) return;
      continue;
    }
    const std::size_t n = std::min(connection->in.size(), connection->body_left);
    if (connection->in.substr(0, std::min<std::size_t>(n, 1024)).find("\"stream\":true") !=
        std::string::npos) {
      connection->streams = true;
    }
    connection->in.erase(0, n);
    connection->body_left -= n;
    if (connection->body_left > 0) return;
    connection->in_body = false;
    answer(connection);
  }
}

void read_from(const std::shared_ptr<Connection>& connection) {
  static char buffer[256 * 1024];
  const ssize_t n = ::recv(connection->fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n <= 0) return drop(connection);
  connection->in.append(buffer, static_cast<std::size_t>(n));
  take_input(connection);
}

void accept_from(int listener) {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto connection = std::make_shared<Connection>();
  connection->fd = fd;
  by_fd[fd] = std::move(connection);
  watch(fd);
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const long value = std::atol(argv[i + 1]);
    if (name == "--port") options.port = static_cast<int>(value);
    if (name == "--load-ms") options.load_ms = value;
    if (name == "--chunks") options.chunks = static_cast<int>(value);
    if (name == "--rate") options.rate = static_cast<int>(value);
  }
  ::signal(SIGPIPE, SIG_IGN);
  started_ns = now_ns();
  set = ::epoll_create1(EPOLL_CLOEXEC);
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(options.port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener, 4096) != 0) {
    std::perror("mock_engine");
    return 1;
  }
  watch(listener);
  epoll_event events[256];
  for (;;) {
    const int n = ::epoll_wait(set, events, 256, -1);
    for (int i = 0; i < n; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        accept_from(listener);
        continue;
      }
      const auto it = by_fd.find(fd);
      if (it == by_fd.end()) continue;
      const std::shared_ptr<Connection> connection = it->second;
      if (fd == connection->timer) {
        beat(connection);
      } else {
        read_from(connection);
      }
    }
  }
}
