#pragma once

#include <cstddef>
#include <string>

namespace rouse {

/// What lies at a path, links followed, as far as the user may see it who asks.
struct FileFacts {
  enum class Kind {
    Missing,
    File,
    Folder,
    Other,   ///< a device, a socket
    Unknown  ///< nobody looked, or the look failed
  };
  Kind kind = Kind::Unknown;
  bool may_read = false;
  bool may_run = false;
  bool has_run_bit = false;  ///< somebody may run it
};

/// The file system, as the checks ask it. Stands for a machine of files in tests.
class MachineFiles {
 public:
  virtual ~MachineFiles() = default;
  [[nodiscard]] virtual FileFacts look(const std::string& path) const = 0;
  /// The first @p most bytes of a file; fewer, or none, when there are no more or it cannot be
  /// read.
  [[nodiscard]] virtual std::string head(const std::string& path, std::size_t most) const = 0;
  /// The folder from which relative paths count.
  [[nodiscard]] virtual std::string folder() const = 0;
  /// The user who asks, for messages.
  [[nodiscard]] virtual std::string user() const = 0;
};

/// The file system of this machine. A look may hang where a file's server is gone.
[[nodiscard]] const MachineFiles& real_files();

/// Nothing is looked at: everything is Unknown.
[[nodiscard]] const MachineFiles& unseen_files();

}  // namespace rouse
