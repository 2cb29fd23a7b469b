#include "base/service/log.hpp"

#include "base/service/line_format.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <iterator>
#include <memory>

namespace rouse {

namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

LinePriority priority_of(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return LinePriority::Error;
  if (level == spdlog::level::warn) return LinePriority::Warning;
  return level == spdlog::level::info ? LinePriority::Info : LinePriority::Debug;
}

/// @p text as journald wants it: each of its lines begins with the priority.
std::string for_journal(LinePriority priority, std::string_view text) {
  const std::string prefix = fmt::format("<{}>", static_cast<int>(priority));
  std::string out = prefix;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == '\n' && i + 1 < text.size()) out += prefix;
  }
  return out;
}

/// @p text without what a terminal would obey; what follows a line end within it is set in, so that
/// it is never taken for a line of its own, whoever has brought it in.
void make_one_entry(std::string_view text, spdlog::memory_buf_t& out) {
  constexpr std::string_view kIndent = "    ";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n' && i + 1 < text.size()) {
      out.push_back(c);
      out.append(kIndent.data(), kIndent.data() + kIndent.size());
    } else if (c != '\n' && c != '\t' && is_control(c)) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
}

/// That nobody reads our stderr stops no program.
void write_to_stderr(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Everything is logged from the one thread, hence the null mutex.
class GatheringSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  GatheringSink(Executor executor, bool to_stderr, std::function<void(std::string_view)> tee)
      : executor_(std::move(executor)),
        tee_(std::move(tee)),
        to_stderr_(to_stderr),
        journald_(stderr_is_journal()) {}

  void close() {
    flush_();
    tee_ = nullptr;
    closed_ = true;
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    ++lines_.at(static_cast<std::size_t>(message.level));
    spdlog::memory_buf_t formatted;
    formatter_->format(message, formatted);
    spdlog::memory_buf_t line;
    make_one_entry({formatted.data(), formatted.size()}, line);
    const std::string_view text(line.data(), line.size());
    if (tee_) tee_(text);
    if (!to_stderr_) return;
    gathered_ += journald_ ? for_journal(priority_of(message.level), text) : std::string(text);
    if (closed_ || message.level >= spdlog::level::warn || gathered_.size() > kGatherMax) {
      flush_();
    } else if (!scheduled_) {
      scheduled_ = true;
      asio::post(executor_, [self = shared()] { self->flush_(); });
    }
  }

  void flush_() override {
    scheduled_ = false;
    write_to_stderr(gathered_);
    gathered_.clear();
  }

 private:
  friend std::map<std::string, std::uint64_t> rouse::log_lines();
  static constexpr std::size_t kGatherMax = 64 * 1024;

  std::shared_ptr<GatheringSink> shared();

  Executor executor_;
  std::function<void(std::string_view)> tee_;
  std::string gathered_;
  std::array<std::uint64_t, spdlog::level::n_levels> lines_{};
  bool to_stderr_;
  bool journald_;
  bool scheduled_ = false;
  bool closed_ = false;
};

std::shared_ptr<GatheringSink>& the_sink() {
  static std::shared_ptr<GatheringSink> sink;
  return sink;
}

std::shared_ptr<GatheringSink> GatheringSink::shared() {
  return the_sink();
}

}  // namespace

void set_up_log(Executor executor, const LogOptions& options,
                std::function<void(std::string_view)> tee) {
  the_sink() = std::make_shared<GatheringSink>(executor, options.to_stderr, std::move(tee));
  auto logger = std::make_shared<spdlog::logger>("rouse", the_sink());
  spdlog::set_default_logger(std::move(logger));
  change_log(options.level, options.time_format);
}

void change_log(const std::string& level, const std::string& time_format) {
  const std::string time = time_format.empty() ? "%H:%M:%S.%e" : time_format;
  spdlog::default_logger()->set_formatter(
      line_format(stderr_is_journal() ? "%v" : time + " %L %v"));
  spdlog::default_logger()->set_level(spdlog::level::from_str(level));
}

std::map<std::string, std::uint64_t> log_lines() {
  if (!the_sink()) return {};
  const auto& lines = the_sink()->lines_;
  return {{"debug", lines[spdlog::level::trace] + lines[spdlog::level::debug]},
          {"info", lines[spdlog::level::info]},
          {"warning", lines[spdlog::level::warn]},
          {"error", lines[spdlog::level::err] + lines[spdlog::level::critical]}};
}

bool stderr_is_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return stream == fmt::format("{}:{}", status.st_dev, status.st_ino);
}

void write_stderr_line(LinePriority priority, std::string_view text) {
  const std::string line = std::string(text) + "\n";
  write_to_stderr(stderr_is_journal() ? for_journal(priority, line) : line);
}

void close_log() {
  if (the_sink()) the_sink()->close();
}

std::string for_log(std::string_view text, std::size_t max) {
  if (text.size() <= max && std::none_of(text.begin(), text.end(), is_control)) {
    return std::string(text);
  }
  std::string out;
  for (const char c : text.substr(0, max)) {
    if (is_control(c)) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  if (text.size() > max) out += "…";
  return out;
}

}  // namespace rouse
