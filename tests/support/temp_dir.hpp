#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace rouse::test {

/// A fresh directory under the system's temporary one; removed with all that is in it.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string operator/(std::string_view name) const;
  /// Writes @p text to the file @p name inside, replacing it, and returns its path.
  std::string write(std::string_view name, std::string_view text) const;

 private:
  std::filesystem::path path_;
};

/// The whole of a file; a test failure and "" if it cannot be read.
[[nodiscard]] std::string read_file(const std::filesystem::path& path);

/// Where the build put the program @p name.
[[nodiscard]] std::string built_program(std::string_view name);

/// A file below tests/data.
[[nodiscard]] std::filesystem::path test_data(std::string_view name);

}  // namespace rouse::test
