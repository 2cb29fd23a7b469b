#pragma once

#include "suspendd/box/root.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rouse::suspendd {

/// systemd's files as they lie on disk, in its order of precedence. What systemd itself has loaded
/// may be older.

/// "KEY=value" lines of a configuration and its drop-ins (`NAME` and `NAME.d/*.conf` in
/// /usr/lib/systemd … /etc/systemd), in the order in which systemd reads them. @p name: sleep.conf.
struct Assignment {
  std::string key;
  std::string value;
  std::string file;
};
[[nodiscard]] std::vector<Assignment> systemd_settings(const Root& root, std::string_view name);

/// The same of a unit and its drop-ins: `nvidia-suspend.service`.
[[nodiscard]] std::vector<Assignment> unit_settings(const Root& root, std::string_view unit);

/// Lines of one file.
[[nodiscard]] std::vector<Assignment> file_settings(const Root& root, const std::string& file);

/// A list setting after all its assignments: an empty one clears what came before.
[[nodiscard]] std::vector<std::string> list_setting(const std::vector<Assignment>& settings,
                                                    std::string_view key);
/// The last value; empty when there is none.
[[nodiscard]] std::string last_setting(const std::vector<Assignment>& settings,
                                       std::string_view key);

[[nodiscard]] bool unit_exists(const Root& root, std::string_view unit);
/// Something in /etc or /usr/lib wants or requires it: a link in a `.wants` or `.requires` folder
/// of @p by.
[[nodiscard]] bool unit_is_pulled_in(const Root& root, std::string_view unit, std::string_view by);

}  // namespace rouse::suspendd
