#include "proxy/engine/readiness.hpp"

#include "proxy/engine/process_tree.hpp"

#include <fmt/format.h>

#include <fstream>

namespace rouse {

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
