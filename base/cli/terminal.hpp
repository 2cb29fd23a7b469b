#pragma once

#include "base/text/text_table.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace rouse {

/// The window on standard output.
struct Window {
  PageLook look;           ///< width 0: no terminal, and no COLUMNS
  std::size_t height = 0;  ///< lines; 0: not known
  bool is_terminal = false;
};

/// As it is now: the terminal's size, else COLUMNS and LINES. Colours on a terminal that can show
/// them, unless NO_COLOR is set.
[[nodiscard]] Window window_of_stdout();

/// A page on the terminal that is drawn over itself. The terminal is as it was before when this is
/// closed or destroyed. Where standard output is no terminal, pages follow each other.
class Screen {
 public:
  Screen() = default;
  ~Screen() { close(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  /// Draws @p page, whose lines fit @p window, in one piece: what was there is written over, so
  /// that nothing flickers. False: standard output does not take it.
  [[nodiscard]] bool draw(std::string_view page, const Window& window);
  /// Gives the terminal back.
  void close();

 private:
  bool open_ = false;
};

/// Writes all of @p text to standard output; false: it does not take it.
[[nodiscard]] bool write_stdout(std::string_view text);

}  // namespace rouse
