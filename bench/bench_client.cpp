// A load client that takes as little of the machine as it can: one thread, epoll, keep-alive.
//   bench_client --port N --mode requests --connections C --requests N [--body BYTES] [--pid P]…
//   bench_client --port N --mode streams --connections S [--pid P]…      one stream on each
//   bench_client --port N --mode held --connections N --seconds S        requests that wait
// Prints one line of JSON: latencies or delays in µs, CPU of the processes P (µs) per request or
// chunk. Ends after --limit seconds (60) whatever happens.
#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Options {
  int port = 0;
  std::string mode = "requests";
  std::string model = "m";
  int connections = 1;
  long requests = 1000;
  std::size_t body = 200;
  int seconds = 5;
  int limit = 60;
  std::vector<int> pids;
};

struct Connection {
  int fd = -1;
  std::string in;
  std::size_t written = 0;
  long long sent_at = 0;
  std::size_t body_left = 0;
  bool has_head = false;
  bool done = false;
};

Options options;
std::string request;
std::vector<double> samples;
long answered = 0;
long started = 0;
long failed = 0;
int set = -1;

long long now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

/// User and system time of all threads of a process, in µs; ns-exact where the kernel tells it.
double cpu_us(int pid) {
  double sum = 0;
  std::error_code gone;
  for (const auto& task :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid), gone)) {
    std::ifstream file(task.path() / "schedstat");
    double ns = 0;
    if (file >> ns) sum += ns;
  }
  return sum / 1000;
}

double cpu_of_all() {
  double sum = 0;
  for (const int pid : options.pids) sum += cpu_us(pid);
  return sum;
}

std::string make_request() {
  std::string body =
      fmt::format(R"({{"model":"{}",{}"messages":[{{"role":"user","content":")", options.model,
                  options.mode == "streams" ? R"("stream":true,)" : "");
  const std::string end = R"("}]})";
  if (options.body > body.size() + end.size())
    body.append(options.body - body.size() - end.size(), 'x');
  body += end;
  return fmt::format(
      "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
      "User-Agent: bench\r\nAccept: */*\r\nContent-Length: {}\r\n\r\n{}",
      body.size(), body);
}

void mark(Connection& connection, std::uint32_t events, int how) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &connection;
  ::epoll_ctl(set, how, connection.fd, &event);
}

void write_on(Connection& connection) {
  while (connection.written < request.size()) {
    const ssize_t n = ::send(connection.fd, request.data() + connection.written,
                             request.size() - connection.written, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) return mark(connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    connection.written += static_cast<std::size_t>(n);
  }
  if (request.size() > 100'000) mark(connection, EPOLLIN, EPOLL_CTL_MOD);
}

void start(Connection& connection) {
  connection.in.clear();
  connection.has_head = false;
  connection.written = 0;
  connection.sent_at = now_ns();
  ++started;
  write_on(connection);
}

void finish(Connection& connection) {
  ++answered;
  if (options.mode == "requests")
    samples.push_back(static_cast<double>(now_ns() - connection.sent_at) / 1000);
  if (options.mode == "requests" && started < options.requests) {
    start(connection);
  } else {
    connection.done = true;
  }
}

void take_events(Connection& connection) {
  const long long now = now_ns();
  std::size_t at = 0;
  for (;;) {
    const std::size_t mark_at = connection.in.find("\"t\":", at);
    if (mark_at == std::string::npos || mark_at + 24 > connection.in.size()) break;
    const long long sent = std::strtoll(connection.in.c_str() + mark_at + 4, nullptr, 10);
    samples.push_back(static_cast<double>(now - sent) / 1000);
    at = mark_at + 24;
  }
  const bool ended = connection.in.find("\r\n0\r\n\r\n", at > 0 ? at - 24 : 0) != std::string::npos;
  connection.in.erase(0, at);
  if (ended) finish(connection);
}

void take_response(Connection& connection) {
  if (!connection.has_head) {
    const std::size_t end = connection.in.find("\r\n\r\n");
    if (end == std::string::npos) return;
    if (!connection.in.starts_with("HTTP/1.1 200")) ++failed;
    const char* length = ::strcasestr(connection.in.c_str(), "content-length:");
    connection.body_left = length == nullptr ? 0 : std::strtoul(length + 15, nullptr, 10);
    connection.has_head = true;
    connection.in.erase(0, end + 4);
  }
  if (options.mode == "streams") return take_events(connection);
  if (connection.in.size() >= connection.body_left) finish(connection);
}

void read_from(Connection& connection) {
  static char buffer[64 * 1024];
  const ssize_t n = ::recv(connection.fd, buffer, sizeof buffer - 1, MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    if (!connection.done) ++failed;
    connection.done = true;
    ::close(connection.fd);
    return;
  }
  connection.in.append(buffer, static_cast<std::size_t>(n));
  take_response(connection);
}

bool open_connection(Connection& connection) {
  connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(options.port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(connection.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return false;
  const int on = 1;
  ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  mark(connection, EPOLLIN, EPOLL_CTL_ADD);
  return true;
}

double percentile(double p) {
  if (samples.empty()) return 0;
  return samples[static_cast<std::size_t>(p * static_cast<double>(samples.size() - 1))];
}

void read_options(int argc, char** argv) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--port") options.port = std::atoi(value.c_str());
    if (name == "--mode") options.mode = value;
    if (name == "--model") options.model = value;
    if (name == "--connections") options.connections = std::atoi(value.c_str());
    if (name == "--requests") options.requests = std::atol(value.c_str());
    if (name == "--body") options.body = std::strtoul(value.c_str(), nullptr, 10);
    if (name == "--seconds") options.seconds = std::atoi(value.c_str());
    if (name == "--limit") options.limit = std::atoi(value.c_str());
    if (name == "--pid") options.pids.push_back(std::atoi(value.c_str()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  read_options(argc, argv);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  set = ::epoll_create1(EPOLL_CLOEXEC);
  request = make_request();
  std::vector<Connection> connections(static_cast<std::size_t>(options.connections));
  for (Connection& connection : connections) {
    if (!open_connection(connection)) {
      std::perror("bench_client: connect");
      return 1;
    }
  }
  const double cpu_before = cpu_of_all();
  const long long began = now_ns();
  for (Connection& connection : connections) {
    if (options.mode != "requests" || started < options.requests) start(connection);
  }
  const long wanted = options.mode == "requests" ? options.requests : options.connections;
  const long long end =
      began + (options.mode == "held" ? options.seconds : options.limit) * 1'000'000'000LL;
  epoll_event events[512];
  while (answered + failed < wanted && now_ns() < end) {
    const int n = ::epoll_wait(set, events, 512, 100);
    for (int i = 0; i < n; ++i) {
      auto& connection = *static_cast<Connection*>(events[i].data.ptr);
      if ((events[i].events & EPOLLOUT) != 0) write_on(connection);
      if ((events[i].events & EPOLLIN) != 0) read_from(connection);
    }
  }
  const double cpu = cpu_of_all() - cpu_before;
  std::sort(samples.begin(), samples.end());
  const double units = std::max<double>(1, static_cast<double>(samples.size()));
  fmt::print(
      R"({{"answered":{},"failed":{},"samples":{},"p50":{:.1f},"p99":{:.1f},"cpu_us":{:.2f},"seconds":{:.2f}}})"
      "\n",
      answered, failed, samples.size(), percentile(0.5), percentile(0.99), cpu / units,
      static_cast<double>(now_ns() - began) / 1e9);
  return 0;
}
