#include "tests/support/cold_file.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace rouse::test {

ColdFile::ColdFile(std::uint64_t size)
    : path_((std::filesystem::current_path() / "cold-XXXXXX").string()),
      size_(size),
      fd_(::mkostemp(path_.data(), O_CLOEXEC)) {
  const std::vector<char> bytes(size, 'x');
  EXPECT_EQ(::write(fd_, bytes.data(), bytes.size()), static_cast<ssize_t>(size));
  EXPECT_EQ(::fsync(fd_), 0);
  ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
}

ColdFile::~ColdFile() {
  ::close(fd_);
  ::unlink(path_.c_str());
}

bool ColdFile::is_warm_at(std::uint64_t offset) const {
  // Not by reading, which asks the kernel for the page even where it is told not to wait.
  void* const mapped = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd_, 0);
  if (mapped == MAP_FAILED) return false;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> resident((size_ + page - 1) / page);
  const bool is_told = ::mincore(mapped, size_, resident.data()) == 0;
  ::munmap(mapped, size_);
  return is_told && (resident[offset / page] & 1U) != 0;
}

}  // namespace rouse::test
