#include "proxy/logs/log_options.hpp"

#include "proxy/logs/time_pattern.hpp"

namespace rouse {

LogOptions log_options(const Config& config) {
  const LogToStdout where = config.log_to_stdout;
  LogOptions options;
  options.level = config.log_level;
  options.time_format = time_pattern(config.log_time_format);
  options.to_stderr = where == LogToStdout::Proxy || where == LogToStdout::Both;
  return options;
}

}  // namespace rouse
