#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace rouse::test {

/// A program on a terminal of its own, and what a person sees there: so much of a terminal as our
/// programs use. The destructor kills the program if it still runs.
class Terminal {
 public:
  Terminal(const std::vector<std::string>& argv, std::size_t columns, std::size_t lines,
           const std::vector<std::string>& env = {});
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// Waits until @p text is to be seen.
  [[nodiscard]] bool shows(const std::string& text,
                           std::chrono::milliseconds limit = std::chrono::seconds(10));
  /// Waits until @p text is no longer to be seen.
  [[nodiscard]] bool hides(const std::string& text,
                           std::chrono::milliseconds limit = std::chrono::seconds(10));
  /// The lines as they are seen, without blanks at their ends.
  [[nodiscard]] std::string screen() const;
  void type(const std::string& keys);
  void resize(std::size_t columns, std::size_t lines);
  /// The program has been stopped by a signal, and goes on only by SIGCONT.
  [[nodiscard]] bool is_stopped() const;
  /// The exit status, 128 + N when signal N ended it; nullopt if it still runs after @p limit.
  std::optional<int> wait(std::chrono::milliseconds limit = std::chrono::seconds(10));

  [[nodiscard]] pid_t pid() const { return pid_; }
  /// A line went on in the next one, or the first was pushed out, since the beginning.
  [[nodiscard]] bool has_wrapped() const { return wrapped_; }
  [[nodiscard]] bool has_scrolled() const { return scrolled_; }
  /// The whole window was emptied at once, which a person sees as a flicker.
  [[nodiscard]] bool has_flickered() const { return flickered_; }
  [[nodiscard]] bool shows_cursor() const { return cursor_; }
  [[nodiscard]] bool is_on_own_page() const { return own_page_; }
  [[nodiscard]] bool has_colours() const { return coloured_; }

 private:
  bool read_some(std::chrono::milliseconds limit);
  void take(char byte);
  void put(const std::string& sign);
  void end_sequence(char last);
  void line_feed();

  int fd_ = -1;
  pid_t pid_ = -1;
  std::size_t columns_;
  std::vector<std::vector<std::string>> cells_;  // one sign each
  std::size_t row_ = 0;
  std::size_t column_ = 0;
  std::string partial_;  // of a sign of several bytes
  std::optional<std::string> sequence_;
  bool wrapped_ = false;
  bool scrolled_ = false;
  bool flickered_ = false;
  bool cursor_ = true;
  bool own_page_ = false;
  bool coloured_ = false;
  std::optional<int> status_;
};

}  // namespace rouse::test
