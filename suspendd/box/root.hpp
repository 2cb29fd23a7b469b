#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::suspendd {

/// Where /sys, /proc, /dev and /etc are looked for: as they are, or below a prefix (a tree that a
/// test generated, `--root DIR`). Paths given to it are absolute ones of the machine.
///
/// Reads are of the small text files of /sys and /proc and do not wait, with exceptions that their
/// readers know (`/sys/power/wakeup_count`).
class Root {
 public:
  Root() = default;
  /// @p prefix is empty or a folder.
  explicit Root(std::string prefix);

  [[nodiscard]] const std::string& prefix() const { return prefix_; }
  [[nodiscard]] std::string path(std::string_view absolute) const;

  /// The whole file, at most kFileMax bytes of it. The error says which file.
  [[nodiscard]] Result<std::string> read(std::string_view absolute) const;
  /// The same without white space at its ends.
  [[nodiscard]] Result<std::string> read_word(std::string_view absolute) const;
  /// A decimal or 0x… number.
  [[nodiscard]] Result<std::int64_t> read_number(std::string_view absolute) const;
  /// One write(2) of @p text, as the attributes of /sys want it; the file is never created.
  [[nodiscard]] Result<void> write(std::string_view absolute, std::string_view text) const;

  [[nodiscard]] bool exists(std::string_view absolute) const;
  /// Names in a folder, sorted; empty when there is no such folder or it cannot be read.
  [[nodiscard]] std::vector<std::string> list(std::string_view absolute) const;
  /// What a symbolic link says, as it stands there; empty when it is none.
  [[nodiscard]] std::string link(std::string_view absolute) const;
  /// The real path of what @p absolute leads to, without the prefix; empty when there is nothing.
  [[nodiscard]] std::string resolve(std::string_view absolute) const;

  static constexpr std::size_t kFileMax = 4 * 1024 * 1024;

 private:
  std::string prefix_;
};

/// The last part of a path.
[[nodiscard]] std::string_view basename(std::string_view path);

}  // namespace rouse::suspendd
