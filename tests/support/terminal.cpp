#include "tests/support/terminal.hpp"

#include <gtest/gtest.h>

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace rouse::test {

namespace {

using Clock = std::chrono::steady_clock;

winsize size_of(std::size_t columns, std::size_t lines) {
  winsize size{};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = static_cast<unsigned short>(lines);
  return size;
}

std::size_t bytes_of(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

}  // namespace

Terminal::Terminal(const std::vector<std::string>& argv, std::size_t columns, std::size_t lines,
                   const std::vector<std::string>& env)
    : columns_(columns), cells_(lines) {
  std::vector<std::string> texts = argv;
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  winsize size = size_of(columns, lines);
  pid_ = ::forkpty(&fd_, nullptr, nullptr, &size);
  if (pid_ == 0) {
    ::setenv("TERM", "xterm-256color", 1);
    ::unsetenv("NO_COLOR");
    for (const std::string& entry : env) {
      const std::size_t equals = entry.find('=');
      ::setenv(entry.substr(0, equals).c_str(), entry.substr(equals + 1).c_str(), 1);
    }
    ::execv(pointers[0], pointers.data());
    ::_exit(127);
  }
  EXPECT_GT(pid_, 0) << "there is no terminal to be had";
}

Terminal::~Terminal() {
  if (pid_ > 0 && !status_) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  if (fd_ >= 0) ::close(fd_);
}

bool Terminal::shows(const std::string& text, std::chrono::milliseconds limit) {
  const auto until = Clock::now() + limit;
  while (screen().find(text) == std::string::npos) {
    if (Clock::now() >= until) return false;
    if (!read_some(std::chrono::milliseconds(20)) && status_) return false;
  }
  return true;
}

bool Terminal::hides(const std::string& text, std::chrono::milliseconds limit) {
  const auto until = Clock::now() + limit;
  while (screen().find(text) != std::string::npos) {
    if (Clock::now() >= until) return false;
    if (!read_some(std::chrono::milliseconds(20)) && status_) return false;
  }
  return true;
}

std::string Terminal::screen() const {
  std::string text;
  for (const std::vector<std::string>& line : cells_) {
    std::string whole;
    for (const std::string& cell : line) whole += cell.empty() ? " " : cell;
    text += whole.substr(0, whole.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

void Terminal::type(const std::string& keys) {
  EXPECT_EQ(::write(fd_, keys.data(), keys.size()), static_cast<ssize_t>(keys.size()));
}

void Terminal::resize(std::size_t columns, std::size_t lines) {
  columns_ = columns;
  cells_.assign(lines, {});
  row_ = column_ = 0;
  const winsize size = size_of(columns, lines);
  EXPECT_EQ(::ioctl(fd_, TIOCSWINSZ, &size), 0);
}

std::optional<int> Terminal::wait(std::chrono::milliseconds limit) {
  const auto until = Clock::now() + limit;
  while (!status_) {
    // What it writes must be read, or it cannot end.
    read_some(std::chrono::milliseconds(5));
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    } else if (Clock::now() >= until) {
      return std::nullopt;
    }
  }
  while (read_some(std::chrono::milliseconds(0))) {
  }
  return status_;
}

bool Terminal::is_stopped() const {
  siginfo_t info{};
  const int seen = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WNOHANG | WNOWAIT);
  return seen == 0 && info.si_pid == pid_;
}

bool Terminal::read_some(std::chrono::milliseconds limit) {
  pollfd wanted{fd_, POLLIN, 0};
  if (::poll(&wanted, 1, static_cast<int>(limit.count())) <= 0) return false;
  std::array<char, 4096> bytes;
  const ssize_t n = ::read(fd_, bytes.data(), bytes.size());
  if (n <= 0) {
    // The program has closed it: only its end is to come.
    ::poll(nullptr, 0, static_cast<int>(limit.count()));
    return false;
  }
  std::for_each(bytes.begin(), bytes.begin() + n, [this](char byte) { take(byte); });
  return true;
}

void Terminal::take(char byte) {
  if (sequence_) {
    *sequence_ += byte;
    const bool is_begun = *sequence_ == "[";
    if (!is_begun && byte >= '@' && byte <= '~') end_sequence(byte);
  } else if (byte == '\x1b') {
    sequence_.emplace();
  } else if (byte == '\r') {
    column_ = 0;
  } else if (byte == '\n') {
    line_feed();
  } else {
    partial_ += byte;
    if (partial_.size() < bytes_of(partial_[0])) return;
    put(partial_);
    partial_.clear();
  }
}

void Terminal::put(const std::string& sign) {
  if (column_ >= columns_) {
    wrapped_ = true;
    column_ = 0;
    line_feed();
  }
  std::vector<std::string>& line = cells_[row_];
  line.resize(std::max(line.size(), column_ + 1));
  line[column_++] = sign;
}

void Terminal::line_feed() {
  if (row_ + 1 < cells_.size()) {
    ++row_;
    return;
  }
  scrolled_ = true;
  cells_.erase(cells_.begin());
  cells_.emplace_back();
}

void Terminal::end_sequence(char last) {
  const std::string text = std::exchange(sequence_, std::nullopt).value();
  if (text == "[?25l" || text == "[?25h") {
    cursor_ = last == 'h';
  } else if (text == "[?1049h" || text == "[?1049l") {
    own_page_ = last == 'h';
    for (std::vector<std::string>& line : cells_) line.clear();
    row_ = column_ = 0;
  } else if (text == "[H") {
    row_ = column_ = 0;
  } else if (text == "[K") {
    if (cells_[row_].size() > column_) cells_[row_].resize(column_);
  } else if (text == "[J") {
    if (cells_[row_].size() > column_) cells_[row_].resize(column_);
    for (std::size_t row = row_ + 1; row < cells_.size(); ++row) cells_[row].clear();
    flickered_ = flickered_ || (row_ == 0 && column_ == 0);
  } else if (text == "[2J") {
    flickered_ = true;
    for (std::vector<std::string>& line : cells_) line.clear();
  } else if (last == 'm') {
    coloured_ = true;
  } else {
    ADD_FAILURE() << "a sequence that this terminal does not know: " << text;
  }
}

}  // namespace rouse::test
