#pragma once

#include <cstdint>
#include <string>

namespace rouse::test {

/// A file that has been written to the disk and then put out of the page cache. It lies in the
/// working folder, since temporary ones are often in memory only.
class ColdFile {
 public:
  explicit ColdFile(std::uint64_t size);
  ~ColdFile();
  ColdFile(const ColdFile&) = delete;
  ColdFile& operator=(const ColdFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Whether the page at @p offset can be read without the disk.
  [[nodiscard]] bool is_warm_at(std::uint64_t offset) const;
  /// False on a file system that keeps all in memory.
  [[nodiscard]] bool is_cold() const { return !is_warm_at(0) && !is_warm_at(size_ - 1); }

 private:
  std::string path_;
  std::uint64_t size_;
  int fd_;
};

}  // namespace rouse::test
