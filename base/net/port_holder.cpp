#include "base/net/port_holder.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string_view>
#include <vector>

namespace rouse {

namespace {

constexpr std::string_view kListening = "0A";  // TCP_LISTEN in /proc/net/tcp

/// @p host as /proc/net/tcp and tcp6 write it: words of the machine's own order; empty for a name.
std::vector<std::string> table_addresses(const std::string& host) {
  const auto hex = [](const void* bytes, std::size_t words) {
    std::string text;
    for (std::size_t i = 0; i < words; ++i) {
      std::uint32_t word = 0;
      std::memcpy(&word, static_cast<const char*>(bytes) + i * sizeof word, sizeof word);
      text += fmt::format("{:08X}", word);
    }
    return text;
  };
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    in6_addr mapped{};
    mapped.s6_addr[10] = mapped.s6_addr[11] = 0xff;
    std::memcpy(&mapped.s6_addr[12], &v4, sizeof v4);
    return {hex(&v4, 1), hex(&mapped, 4)};
  }
  in6_addr v6{};
  if (::inet_pton(AF_INET6, host.c_str(), &v6) == 1) return {hex(&v6, 4)};
  return {};
}

bool is_wildcard(std::string_view address) {
  return address.find_first_not_of('0') == std::string_view::npos;
}

/// The sockets on @p port that are in the way of listening on @p host, as links in /proc/PID/fd.
std::vector<std::string> listening_sockets(std::uint16_t port, const std::string& host) {
  const std::vector<std::string> ours = table_addresses(host);
  const bool any = ours.empty() || is_wildcard(ours.front());
  std::vector<std::string> links;
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
      const std::string address = local.substr(0, local.find(':'));
      const bool same = std::find(ours.begin(), ours.end(), address) != ours.end();
      if (!any && !same && !is_wildcard(address)) continue;
      for (int i = 0; i < 5; ++i) fields >> word;  // queues, timers, retransmits, uid, timeout
      std::uint64_t inode = 0;
      if (fields >> inode) links.push_back(fmt::format("socket:[{}]", inode));
    }
  }
  return links;
}

using ProcFolder = std::unique_ptr<DIR, int (*)(DIR*)>;

bool holds_one_of(const std::string& pid, const std::vector<std::string>& links) {
  const std::string path = "/proc/" + pid + "/fd";
  const ProcFolder folder(::opendir(path.c_str()), ::closedir);
  if (!folder) return false;
  std::array<char, 64> target{};
  while (const dirent* const entry = ::readdir(folder.get())) {
    const std::string link = path + "/" + entry->d_name;
    const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
    if (length <= 0) continue;
    const std::string_view text(target.data(), static_cast<std::size_t>(length));
    if (std::find(links.begin(), links.end(), text) != links.end()) return true;
  }
  return false;
}

}  // namespace

std::string port_holder(std::uint16_t port, const std::string& host) {
  const std::vector<std::string> links = listening_sockets(port, host);
  if (links.empty()) return {};
  const ProcFolder folder(::opendir("/proc"), ::closedir);
  if (!folder) return "another process";
  while (const dirent* const entry = ::readdir(folder.get())) {
    const std::string pid = entry->d_name;
    const bool is_pid =
        std::all_of(pid.begin(), pid.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
    if (!is_pid || !holds_one_of(pid, links)) continue;
    std::string name;
    std::ifstream file("/proc/" + pid + "/comm");
    std::getline(file, name);
    return fmt::format("pid {} ({})", pid, name);
  }
  return "another process";
}

}  // namespace rouse
