#include "proxy/check/machine_files.hpp"

#include "base/posix.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

namespace rouse {

namespace {

/// By the effective user, as exec and open judge.
bool may(const std::string& path, int mode) {
  return ::faccessat(AT_FDCWD, path.c_str(), mode, AT_EACCESS) == 0;
}

class RealFiles final : public MachineFiles {
 public:
  [[nodiscard]] FileFacts look(const std::string& path) const override {
    FileFacts facts;
    struct stat seen {};
    if (::stat(path.c_str(), &seen) != 0) {
      // A folder on the way that may not be entered hides whether there is something.
      const bool is_missing = errno == ENOENT || errno == ENOTDIR;
      facts.kind = is_missing ? FileFacts::Kind::Missing : FileFacts::Kind::Unknown;
      return facts;
    }
    facts.kind = S_ISREG(seen.st_mode)   ? FileFacts::Kind::File
                 : S_ISDIR(seen.st_mode) ? FileFacts::Kind::Folder
                                         : FileFacts::Kind::Other;
    facts.may_read = may(path, R_OK);
    facts.may_run = may(path, X_OK);
    facts.has_run_bit = (seen.st_mode & 0111) != 0;
    return facts;
  }

  [[nodiscard]] std::string head(const std::string& path, std::size_t most) const override {
    // Not a FIFO that nobody writes to.
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!file) return {};
    std::string text(most, '\0');
    const ssize_t got = ::read(file.get(), text.data(), text.size());
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }

  [[nodiscard]] std::string folder() const override {
    std::array<char, 4096> buffer{};
    return ::getcwd(buffer.data(), buffer.size()) == nullptr ? "." : buffer.data();
  }

  [[nodiscard]] std::string user() const override {
    std::vector<char> buffer(16 * 1024);
    passwd entry{};
    passwd* found = nullptr;
    ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
    return found == nullptr ? "user " + std::to_string(::geteuid()) : found->pw_name;
  }
};

class UnseenFiles final : public MachineFiles {
 public:
  [[nodiscard]] FileFacts look(const std::string&) const override { return {}; }
  [[nodiscard]] std::string head(const std::string&, std::size_t) const override { return {}; }
  [[nodiscard]] std::string folder() const override { return "."; }
  [[nodiscard]] std::string user() const override { return {}; }
};

}  // namespace

const MachineFiles& real_files() {
  static const RealFiles files;
  return files;
}

const MachineFiles& unseen_files() {
  static const UnseenFiles files;
  return files;
}

}  // namespace rouse
