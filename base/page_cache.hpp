#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace rouse {

/// What came of reading ahead.
struct ReadAhead {
  std::uint64_t bytes = 0;      ///< that are in the page cache now, as far as was looked
  std::uint64_t from_disk = 0;  ///< of these, those that were not there before
};

/// Has the kernel read @p path into its page cache, @p most bytes at most, until @p stop. Blocks as
/// long as the disk takes; a file whose server is gone may hang. A file that cannot be read, or is
/// none, gives nothing.
[[nodiscard]] ReadAhead read_ahead(const std::string& path, std::uint64_t most,
                                   const std::atomic<bool>& stop);

/// What other programs may still take of the machine's memory without swapping, in bytes
/// (MemAvailable of /proc/meminfo); 0: not known.
[[nodiscard]] std::uint64_t available_memory();

/// From now on the disk serves this thread after others (ioprio_set(2): best effort, 7).
void yield_the_disk();

}  // namespace rouse
