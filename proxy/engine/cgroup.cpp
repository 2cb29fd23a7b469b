#include "proxy/engine/cgroup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace rouse {

namespace {

namespace fs = std::filesystem;

/// Where the cgroup file system (v2) is mounted, and which of its folders is the mount's root.
struct CgroupMount {
  std::string at;
  std::string root;
};

// proc(5), mountinfo: "36 35 98:0 ROOT AT options - cgroup2 …"
CgroupMount find_mount() {
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    std::istringstream words(line);
    std::string skipped;
    CgroupMount mount;
    words >> skipped >> skipped >> skipped >> mount.root >> mount.at;
    return mount;
  }
  return {};
}

bool has_delegate_mark(const std::string& path) {
  for (const char* const name : {"user.delegate", "trusted.delegate"}) {
    std::array<char, 8> value{};
    const ssize_t size = ::getxattr(path.c_str(), name, value.data(), value.size());
    if (size == 1 && value[0] == '1') return true;
  }
  return false;
}

/// The folder of our own cgroup if it was given to us to divide; else empty.
std::string delegated_folder() {
  const CgroupMount mount = find_mount();
  if (mount.at.empty()) return {};
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("0::")) continue;
    std::string own = line.substr(3);
    if (mount.root != "/" && own.starts_with(mount.root)) own.erase(0, mount.root.size());
    const std::string path = own == "/" ? mount.at : mount.at + own;
    return has_delegate_mark(path) ? path : std::string();
  }
  return {};
}

void collect(const fs::path& path, std::vector<int>& found) {
  std::ifstream file(path / "cgroup.procs");
  for (int pid = 0; file >> pid;) found.push_back(pid);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    if (entry.is_directory(error)) collect(entry.path(), found);
  }
}

}  // namespace

EngineCgroup EngineCgroup::make(const std::string& name) {
  EngineCgroup made;
  const std::string folder = delegated_folder();
  if (folder.empty()) return made;
  const std::string path = folder + "/" + name;
  if (::mkdir(path.c_str(), 0755) != 0) return made;
  made.path_ = path;
  made.join_ = UniqueFd(::open((path + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  return made.join_ ? std::move(made) : EngineCgroup();
}

EngineCgroup::~EngineCgroup() {
  if (!path_.empty()) remove_cgroup(path_);
}

EngineCgroup::EngineCgroup(EngineCgroup&& other) noexcept
    : path_(std::exchange(other.path_, {})), join_(std::move(other.join_)) {}

EngineCgroup& EngineCgroup::operator=(EngineCgroup&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(join_, other.join_);
  return *this;
}

std::vector<int> EngineCgroup::processes() const {
  return path_.empty() ? std::vector<int>() : cgroup_processes(path_);
}

void EngineCgroup::kill() const {
  if (path_.empty()) return;
  std::ofstream(path_ + "/cgroup.kill") << '1';
}

std::vector<StrayCgroup> stray_cgroups(std::string_view prefix) {
  std::vector<StrayCgroup> found;
  const std::string folder = delegated_folder();
  if (folder.empty()) return found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_directory(error) && name.starts_with(prefix)) {
      found.push_back({entry.path().string(), name});
    }
  }
  return found;
}

std::vector<int> cgroup_processes(const std::string& path) {
  std::vector<int> found;
  collect(path, found);
  return found;
}

void remove_cgroup(const std::string& path) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    if (entry.is_directory(error)) remove_cgroup(entry.path().string());
  }
  ::rmdir(path.c_str());
}

}  // namespace rouse
