#include "suspendd/checks/process_list.hpp"

#include <fmt/format.h>

#include <dirent.h>

#include <charconv>
#include <memory>
#include <string_view>

namespace rouse::suspendd {
namespace {

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;

Folder open_folder(const std::string& path) {
  return Folder(::opendir(path.c_str()), &::closedir);
}

}  // namespace

std::vector<int> process_ids(const Root& root) {
  std::vector<int> found;
  const Folder folder = open_folder(root.path("/proc"));
  if (!folder) return found;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    int pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && end == name.data() + name.size() && pid > 0) found.push_back(pid);
  }
  return found;
}

std::string process_comm(const Root& root, int pid) {
  auto text = root.read(fmt::format("/proc/{}/comm", pid));
  if (!text) return {};
  if (text->ends_with('\n')) text->pop_back();
  return std::move(*text);
}

std::vector<std::string> process_command(const Root& root, int pid) {
  const auto text = root.read(fmt::format("/proc/{}/cmdline", pid));
  if (!text) return {};
  return command_words(*text);
}

std::optional<ProcessStat> read_process(const Root& root, int pid) {
  const auto text = root.read(fmt::format("/proc/{}/stat", pid));
  if (!text) return std::nullopt;
  return process_stat(*text);
}

std::optional<std::set<std::uint32_t>> process_sockets(const Root& root, int pid) {
  constexpr std::string_view kSocket = "socket:[";
  const std::string place = fmt::format("/proc/{}/fd", pid);
  const Folder folder = open_folder(root.path(place));
  if (!folder) return std::nullopt;
  std::set<std::uint32_t> found;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string target = root.link(place + "/" + entry->d_name);
    if (!target.starts_with(kSocket) || !target.ends_with(']')) continue;
    const auto inode = whole_number(
        std::string_view(target).substr(kSocket.size(), target.size() - kSocket.size() - 1));
    if (inode) found.insert(static_cast<std::uint32_t>(*inode));
  }
  return found;
}

}  // namespace rouse::suspendd
