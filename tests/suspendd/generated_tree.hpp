#pragma once

#include "suspendd/box/root.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace rouse::test {

/// A made-up /sys, /proc, /etc …: the machine that a test needs.
class GeneratedTree {
 public:
  void file(std::string_view path, std::string_view text) const {
    const std::filesystem::path full = at(path);
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }
  void folder(std::string_view path) const { std::filesystem::create_directories(at(path)); }
  /// @p target as an absolute path of the made-up machine; the link itself is relative.
  void link(std::string_view path, std::string_view target) const {
    const std::filesystem::path full = at(path);
    std::filesystem::create_directories(full.parent_path());
    std::filesystem::create_directory_symlink(
        std::filesystem::path(at(target)).lexically_relative(full.parent_path()), full);
  }
  void remove(std::string_view path) const { std::filesystem::remove_all(at(path)); }

  [[nodiscard]] std::string text(std::string_view path) const {
    return read_file(std::filesystem::path(at(path)));
  }
  [[nodiscard]] std::string at(std::string_view path) const {
    return dir_.path().string() + std::string(path);
  }
  [[nodiscard]] suspendd::Root root() const { return suspendd::Root(dir_.path().string()); }

 private:
  TempDir dir_;
};

}  // namespace rouse::test
