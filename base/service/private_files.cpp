#include "base/service/private_files.hpp"

#include "base/posix.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>

namespace rouse {

namespace {

constexpr mode_t kFolderOfOurs = 0700;
constexpr mode_t kFileOfOurs = 0600;
constexpr mode_t kOthers = 0067;  // all but that the group may go through

Result<void> make_folder(const std::filesystem::path& folder) {
  if (folder.empty() || ::mkdir(folder.c_str(), kFolderOfOurs) == 0) return {};
  if (errno == EEXIST) return {};
  if (errno != ENOENT || !folder.has_relative_path()) return errno_error("");
  Result<void> above = make_folder(folder.parent_path());
  if (!above) return above;
  if (::mkdir(folder.c_str(), kFolderOfOurs) != 0 && errno != EEXIST) return errno_error("");
  return {};
}

}  // namespace

Result<void> make_private_folder(const std::filesystem::path& folder) {
  const std::filesystem::path plain =
      folder.has_filename() ? folder : folder.parent_path();  // "state/"
  const std::string doing = "making the folder " + folder.string();
  if (const Result<void> made = make_folder(plain); !made) return Error{made.error().code, doing};
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return errno_error(doing);
  struct stat seen {};
  if (::fstat(fd.get(), &seen) != 0) return errno_error(doing);
  const bool is_ours = seen.st_uid == ::geteuid();
  if (is_ours && (seen.st_mode & kOthers) != 0) ::fchmod(fd.get(), seen.st_mode & ~kOthers & 07777);
  return {};
}

Result<void> write_private_file(const std::filesystem::path& path, std::string_view text) {
  const std::string fresh = path.string() + ".new";
  const std::string doing = "writing " + path.string();
  {
    const UniqueFd fd(
        ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, kFileOfOurs));
    if (!fd) return errno_error(doing);
    ::fchmod(fd.get(), kFileOfOurs);  // what was left of another version
    while (!text.empty()) {
      const ssize_t n = ::write(fd.get(), text.data(), text.size());
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return errno_error(doing);
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return errno_error(doing);
  return {};
}

void make_private(const std::filesystem::path& path) {
  // By its name: to close a descriptor would end the locks that SQLite has on the file.
  struct stat seen {};
  if (::lstat(path.c_str(), &seen) != 0 || !S_ISREG(seen.st_mode)) return;
  if ((seen.st_mode & 0077) != 0) ::chmod(path.c_str(), kFileOfOurs);
}

}  // namespace rouse
