#pragma once

#include "base/result.hpp"
#include "core/sleep/memory.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rouse::suspendd {

/// What lasts over a crash and a reboot: state.json, the policy's memory, and history.jsonl, one
/// line of JSON for each thing that a person may ask about later. Writes are whole or not at all.
class StateDir {
 public:
  explicit StateDir(std::string path) : path_(std::move(path)) {}

  /// Makes the folder where it is missing, and tries to write.
  Result<void> open();

  /// What was saved last; empty memory when there is none. An error: there is one, and it is
  /// broken; it is kept beside as state.json.broken.
  [[nodiscard]] Result<core::suspend::Memory> load();
  /// The same for an onlooker: touches nothing.
  [[nodiscard]] Result<core::suspend::Memory> peek() const;
  /// Written to another file first, synced, and put in its place. Waits for the disk: what follows
  /// it must not happen without it.
  Result<void> save(const core::suspend::Memory& memory);

  /// Adds a line; the file is kept below 1 MiB, with one older one beside it.
  Result<void> add_history(std::string_view json_line);
  /// The last @p count lines, oldest first.
  [[nodiscard]] std::vector<std::string> history(std::size_t count) const;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace rouse::suspendd
