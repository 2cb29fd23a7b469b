#include "proxy/engine/readiness.hpp"

#include "base/posix.hpp"
#include "proxy/engine/process_tree.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace rouse {

namespace {

bool refuses(const sockaddr* address, socklen_t size) {
  const UniqueFd fd(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno == EAFNOSUPPORT;
  int error = ::connect(fd.get(), address, size) == 0 ? 0 : errno;
  // Within a machine the answer has come by now; where it has not, a probe asks again.
  socklen_t error_size = sizeof error;
  if (error == EINPROGRESS) ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &error_size);
  // EADDRNOTAVAIL: this machine has no such address. ENOENT: there is no such socket yet.
  return error == ECONNREFUSED || error == EADDRNOTAVAIL || error == ENOENT;
}

bool refuses_v4(const char* host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  return ::inet_pton(AF_INET, host, &address.sin_addr) == 1 &&
         refuses(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

bool refuses_v6(std::uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  address.sin6_addr = in6addr_loopback;
  return refuses(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

bool refuses_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::copy(path.begin(), path.end(), address.sun_path);
  return refuses(reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

}  // namespace

Task<ProbeAnswer> probe_engine(HttpPool& pool, Endpoint endpoint, std::string api_key,
                               std::string path, std::chrono::milliseconds limit) {
  Result<HttpPool::Lease> lease = co_await pool.connect(endpoint, limit, true);
  if (!lease) co_return ProbeAnswer{false, lease.error().message()};
  HttpStream& stream = *lease->stream;
  stream.expires_after(limit);
  RequestHead head;
  head.method = "GET";
  head.target = endpoint.base_path + path;
  head.keep_alive = false;
  head.fields.add("host", endpoint.host_field());
  head.fields.add("user-agent", "rouse");
  if (!api_key.empty()) head.fields.add("authorization", "Bearer " + api_key);
  const Result<void> sent = co_await stream.write_request(head, std::string_view(), false);
  if (!sent) co_return ProbeAnswer{false, sent.error().message()};
  const Result<ResponseHead> answer = co_await stream.read_response(false);
  if (!answer) co_return ProbeAnswer{false, answer.error().message()};
  ProbeAnswer told{answer->status == 200, {}, answer->status};
  told.text = fmt::format("answered {} at {}", answer->status, path);
  if (told.is_amiss()) told.text += ": see checkEndpoint";
  co_return told;
}

bool is_closed(const Endpoint& endpoint) {
  if (!endpoint.unix_path.empty()) return refuses_unix(endpoint.unix_path);
  if (endpoint.host == "::1") return refuses_v6(endpoint.port);
  if (endpoint.host == "localhost") {
    return refuses_v4("127.0.0.1", endpoint.port) && refuses_v6(endpoint.port);
  }
  return endpoint.host.starts_with("127.") && refuses_v4(endpoint.host.c_str(), endpoint.port);
}

std::string check_path(const std::string& check_endpoint) {
  const std::size_t scheme = check_endpoint.find("://");
  std::string path = check_endpoint;
  if (scheme != std::string::npos) {
    const std::size_t slash = check_endpoint.find('/', scheme + 3);
    path = slash == std::string::npos ? "/" : check_endpoint.substr(slash);
  }
  return path.starts_with('/') ? path : "/" + path;
}

std::uint64_t progress_of(int leader, int group) {
  std::uint64_t sum = 0;
  for (const int pid : engine_processes(own_processes(), leader, group, {})) {
    const auto stat = read_process(pid);
    if (!stat) continue;
    sum += stat->cpu_ticks + stat->rss_pages;
    std::ifstream io(fmt::format("/proc/{}/io", pid));
    std::string name;
    std::uint64_t bytes = 0;
    if (io >> name >> bytes) sum += bytes;  // rchar comes first (proc(5))
  }
  return sum;
}

}  // namespace rouse
