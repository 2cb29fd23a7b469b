#include "proxy/engine/readiness.hpp"

#include "proxy/engine/process_tree.hpp"

#include <fmt/format.h>

#include <dirent.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <sstream>

namespace rouse {

namespace {

constexpr std::string_view kListening = "0A";  // TCP_LISTEN in /proc/net/tcp

/// The inode of the socket that listens on @p port; 0 if there is none.
std::uint64_t listening_inode(std::uint16_t port) {
  for (const char* const table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      std::istringstream fields(line);
      std::string slot;
      std::string local;
      std::string remote;
      std::string state;
      std::string word;
      fields >> slot >> local >> remote >> state;
      if (state != kListening || !local.ends_with(fmt::format(":{:04X}", port))) continue;
      std::uint64_t inode = 0;
      for (int i = 0; i < 5; ++i) fields >> word;  // queues, timers, retransmits, uid, timeout
      fields >> inode;
      return inode;
    }
  }
  return 0;
}

bool holds_socket(int pid, const std::string& link) {
  const std::string folder = fmt::format("/proc/{}/fd", pid);
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), ::closedir);
  if (!dir) return false;
  char target[64];
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string path = folder + "/" + entry->d_name;
    const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
    if (length > 0 && std::string_view(target, static_cast<std::size_t>(length)) == link)
      return true;
  }
  return false;
}

}  // namespace

Task<ProbeAnswer> probe_engine(HttpPool& pool, Endpoint endpoint, std::string path,
                               std::chrono::milliseconds limit) {
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
  const Result<void> sent = co_await stream.write_request(head, std::string_view(), false);
  if (!sent) co_return ProbeAnswer{false, sent.error().message()};
  const Result<ResponseHead> answer = co_await stream.read_response(false);
  if (!answer) co_return ProbeAnswer{false, answer.error().message()};
  std::string text = fmt::format("{} answered {}", path, answer->status);
  co_return ProbeAnswer{answer->status == 200, std::move(text)};
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

std::string port_owner(std::uint16_t port) {
  const std::uint64_t inode = listening_inode(port);
  if (inode == 0) return {};
  const std::string link = fmt::format("socket:[{}]", inode);
  for (const ProcessStat& each : all_processes()) {
    if (!holds_socket(each.pid, link)) continue;
    std::string name;
    std::ifstream(fmt::format("/proc/{}/comm", each.pid)) >> name;
    return fmt::format("pid {} ({})", each.pid, name);
  }
  return "another process";
}

std::uint64_t progress_of(int leader, int group) {
  std::uint64_t sum = 0;
  for (const int pid : engine_processes(leader, group, {})) {
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
