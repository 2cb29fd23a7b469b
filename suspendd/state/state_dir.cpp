#include "suspendd/state/state_dir.hpp"

#include "base/posix.hpp"
#include "base/service/private_files.hpp"
#include "suspendd/state/memory_json.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>

namespace rouse::suspendd {

namespace {

constexpr off_t kHistoryMax = 1024 * 1024;

/// For us alone, also where it was left over with another mode; no link is followed, since the
/// folder may be one that others write to, as /tmp is.
UniqueFd open_private(const std::string& path, int flags) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
  if (fd) ::fchmod(fd.get(), 0600);
  return fd;
}

Result<void> write_all(int fd, std::string_view text, const std::string& doing) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error(doing);
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

void add_lines(const std::string& path, std::vector<std::string>& lines) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (!line.empty()) lines.push_back(std::move(line));
  }
}

}  // namespace

Result<void> StateDir::open() {
  if (Result<void> made = make_private_folder(path_); !made) return made;
  for (const char* const name : {"/state.json", "/history.jsonl", "/history.jsonl.1"}) {
    make_private(path_ + name);
  }
  const std::string probe = path_ + "/.write-test";
  const UniqueFd fd = open_private(probe, 0);
  if (!fd) return errno_error("writing to " + path_);
  ::unlink(probe.c_str());
  return {};
}

Result<core::suspend::Memory> StateDir::peek() const {
  const std::string path = path_ + "/state.json";
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file && errno == ENOENT) return core::suspend::Memory();
  if (!file) return errno_error("reading " + path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  Result<core::suspend::Memory> memory = memory_from_json(text);
  if (memory) return memory;
  return Error{memory.error().code, "reading " + path};
}

Result<core::suspend::Memory> StateDir::load() {
  Result<core::suspend::Memory> memory = peek();
  const std::string path = path_ + "/state.json";
  if (!memory) std::rename(path.c_str(), (path + ".broken").c_str());
  return memory;
}

Result<void> StateDir::save(const core::suspend::Memory& memory) {
  const std::string path = path_ + "/state.json";
  const std::string fresh = path + ".new";
  const std::string doing = "saving " + path;
  {
    const UniqueFd fd = open_private(fresh, O_TRUNC);
    if (!fd) return errno_error(doing);
    if (auto written = write_all(fd.get(), to_json(memory) + "\n", doing); !written) {
      return written.error();
    }
    if (::fsync(fd.get()) != 0) return errno_error(doing);
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return errno_error(doing);
  const UniqueFd folder(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return errno_error(doing);
  return {};
}

Result<void> StateDir::add_history(std::string_view json_line) {
  const std::string path = path_ + "/history.jsonl";
  const std::string doing = "writing " + path;
  struct stat seen {};
  if (::stat(path.c_str(), &seen) == 0 && seen.st_size > kHistoryMax) {
    std::rename(path.c_str(), (path + ".1").c_str());
  }
  const UniqueFd fd = open_private(path, O_APPEND);
  if (!fd) return errno_error(doing);
  return write_all(fd.get(), std::string(json_line) + "\n", doing);
}

std::vector<std::string> StateDir::history(std::size_t count) const {
  std::vector<std::string> lines;
  add_lines(path_ + "/history.jsonl", lines);
  if (lines.size() < count) {
    std::vector<std::string> older;
    add_lines(path_ + "/history.jsonl.1", older);
    lines.insert(lines.begin(), older.begin(), older.end());
  }
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<long>(count));
  return lines;
}

}  // namespace rouse::suspendd
