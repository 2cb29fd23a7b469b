#pragma once

#include "base/async/task.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace rouse {

struct LogOptions {
  std::string level = "info";  ///< debug, info, warn, error
  std::string time_format;     ///< a pattern for line_format(); empty: "HH:MM:SS.mmm"
  bool to_stderr = true;
};

/// Makes spdlog's default logger write to stderr, under journald with its priority prefixes.
///
/// Lines are gathered and written once per turn of the loop, so that a busy proxy does not pay a
/// system call for each; warnings and errors, and everything before @p executor runs, go out at
/// once. @p tee gets every line as written (for /logs). Call once, from the only thread.
void set_up_log(Executor executor, const LogOptions& options,
                std::function<void(std::string_view)> tee);

/// Another level and time format for the lines to come; as in LogOptions.
void change_log(const std::string& level, const std::string& time_format);

/// How many lines were written of each level: debug, info, warning, error.
[[nodiscard]] std::map<std::string, std::uint64_t> log_lines();

/// Whether stderr goes straight into the journal, which then reads a priority in front of a line.
/// $JOURNAL_STREAM alone does not say so: it is inherited when stderr goes elsewhere.
[[nodiscard]] bool stderr_is_journal();

/// As syslog's: for journald.
enum class LinePriority { Error = 3, Warning = 4, Info = 6, Debug = 7 };
/// One line to stderr at once, for what happens before there is a log; under journald with its
/// priority.
void write_stderr_line(LinePriority priority, std::string_view text);

/// Writes what is gathered. Before exit, and before the tee's owner goes.
void close_log();

/// Text from outside for a log line: control bytes escaped, cut at @p max bytes.
[[nodiscard]] std::string for_log(std::string_view text, std::size_t max = 200);

}  // namespace rouse
