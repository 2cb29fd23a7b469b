#include "base/cli/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace rouse {

namespace {

constexpr std::size_t kUsualColumns = 80;
constexpr std::size_t kUsualLines = 24;
constexpr std::string_view kOpenScreen = "\x1b[?1049h\x1b[?25l";   // a page of its own, no cursor
constexpr std::string_view kCloseScreen = "\x1b[?25h\x1b[?1049l";  // the other way round
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearLine = "\x1b[K";
constexpr std::string_view kClearRest = "\x1b[J";

/// 0: it is not set, or no number.
std::size_t number_in_environment(const char* name) {
  const char* const text = std::getenv(name);
  if (text == nullptr) return 0;
  std::size_t number = 0;
  const char* const end = text + std::strlen(text);
  const auto [last, error] = std::from_chars(text, end, number);
  return error == std::errc{} && last == end ? number : 0;
}

bool is_set(const char* name) {
  const char* const text = std::getenv(name);
  return text != nullptr && *text != '\0';
}

}  // namespace

Window window_of_stdout() {
  Window window;
  window.is_terminal = ::isatty(STDOUT_FILENO) != 0;
  if (window.is_terminal) {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
      window.look.width = size.ws_col;
      window.height = size.ws_row;
    }
    const char* const kind = std::getenv("TERM");
    const bool is_dumb = kind == nullptr || std::string_view(kind) == "dumb";
    window.look.colours = !is_dumb && !is_set("NO_COLOR");
  }
  if (window.look.width == 0) window.look.width = number_in_environment("COLUMNS");
  if (window.height == 0) window.height = number_in_environment("LINES");
  // A terminal that does not know its size (a serial line) is as big as terminals once were.
  if (window.is_terminal && window.look.width == 0) window.look.width = kUsualColumns;
  if (window.is_terminal && window.height == 0) window.height = kUsualLines;
  return window;
}

bool write_stdout(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool Screen::draw(std::string_view page, const Window& window) {
  if (!window.is_terminal) return write_stdout(std::string(page) + "\n");
  std::string out;
  if (!open_) out += kOpenScreen;
  open_ = true;
  out += kHome;
  while (page.ends_with('\n')) page.remove_suffix(1);
  // No line end after the last line, which would push the first one out of a full window.
  for (bool is_last = false; !is_last;) {
    const std::size_t end = page.find('\n');
    is_last = end == std::string_view::npos;
    out += page.substr(0, end);
    out += kClearLine;
    if (!is_last) out += "\r\n";
    page.remove_prefix(is_last ? page.size() : end + 1);
  }
  out += kClearRest;
  return write_stdout(out);
}

void Screen::close() {
  if (!open_) return;
  open_ = false;
  // There is nobody to tell when the terminal has gone.
  static_cast<void>(write_stdout(kCloseScreen));
}

}  // namespace rouse
