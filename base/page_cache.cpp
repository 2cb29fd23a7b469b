#include "base/page_cache.hpp"

#include "base/posix.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <limits>

namespace rouse {

namespace {

constexpr std::uint64_t kPiece = 2 * 1024 * 1024;

bool read_byte(int fd, std::uint64_t at, int flags) {
  char byte = 0;
  iovec place{&byte, 1};
  ssize_t n = 0;
  do {
    n = ::preadv2(fd, &place, 1, static_cast<off_t>(at), flags);
  } while (n < 0 && errno == EINTR);
  return n == 1;
}

}  // namespace

ReadAhead read_ahead(const std::string& path, std::uint64_t most, const std::atomic<bool>& stop) {
  ReadAhead done;
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat facts {};
  if (!fd || ::fstat(fd.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return done;
  const std::uint64_t end = std::min(most, static_cast<std::uint64_t>(facts.st_size));
  while (done.bytes < end && !stop) {
    const std::uint64_t size = std::min(kPiece, end - done.bytes);
    const std::uint64_t last = done.bytes + size - 1;
    if (!read_byte(fd.get(), last, RWF_NOWAIT)) {
      ::readahead(fd.get(), static_cast<off_t>(done.bytes), size);
      // The kernel reads on by itself; this waits for it, so that no more is asked for than comes.
      if (!read_byte(fd.get(), last, 0)) break;
      done.from_disk += size;
    }
    done.bytes += size;
  }
  return done;
}

std::uint64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  for (std::string name; file >> name;
       file.ignore(std::numeric_limits<std::streamsize>::max(), '\n')) {
    std::uint64_t kib = 0;
    if (name == "MemAvailable:" && file >> kib) return kib * 1024;
  }
  return 0;
}

void yield_the_disk() {
  constexpr int kThisThread = 1;  // IOPRIO_WHO_PROCESS of linux/ioprio.h, with 0
  constexpr int kBestEffortLast = (2 << 13) | 7;
  ::syscall(SYS_ioprio_set, kThisThread, 0, kBestEffortLast);
}

}  // namespace rouse
