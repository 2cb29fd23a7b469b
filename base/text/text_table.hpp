#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse {

// Pages of text for people: words and tables that fit a window. Widths are columns of a terminal;
// texts are UTF-8.

/// What a piece of text is, where there are colours. The text says it without them, too.
enum class Tone { Plain, Strong, Good, Warning, Bad, Faint };

/// Where a page is shown.
struct PageLook {
  std::size_t width = 0;  ///< of the window; 0: lines may be as long as they like
  bool colours = false;
};

/// How many columns @p text takes.
[[nodiscard]] std::size_t text_width(std::string_view text);
/// @p text on one line: line ends and tabs become blanks, and what would steer a terminal "?".
[[nodiscard]] std::string one_line(std::string_view text);
/// @p text, which is one line, or its beginning and "…" where it is wider than @p width.
[[nodiscard]] std::string cut_text(std::string_view text, std::size_t width);
/// Lines of at most @p width, broken between words, and at the line ends of @p text; 0: only there.
/// Empty lines are left out, but there is always one.
[[nodiscard]] std::vector<std::string> wrap_text(std::string_view text, std::size_t width);
/// @p text with the escape sequences of @p tone, where there are colours.
[[nodiscard]] std::string toned(std::string_view text, Tone tone, const PageLook& look);

struct TableCell {
  // A text is a cell.
  TableCell(std::string of, Tone as = Tone::Plain) : text(std::move(of)), tone(as) {}
  TableCell(std::string_view of, Tone as = Tone::Plain) : text(of), tone(as) {}
  TableCell(const char* of, Tone as = Tone::Plain) : text(of), tone(as) {}

  std::string text;
  Tone tone;
};
using TableRow = std::vector<TableCell>;

struct TableFit {
  PageLook look;
  std::size_t indent = 2;
  /// Columns, the least important first. In this order they are cut when the window is too narrow,
  /// and left out when that is not enough; the others are cut after them, from the right.
  std::vector<std::size_t> give_way;
  bool wrap_last = false;  ///< the last column goes on below itself instead of being cut
};

/// Lines of aligned columns with two blanks between them and none at the ends of lines. Rows may
/// have fewer cells than others. No line is wider than the window.
[[nodiscard]] std::string text_table(const std::vector<TableRow>& rows, const TableFit& fit = {});

}  // namespace rouse
