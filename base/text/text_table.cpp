#include "base/text/text_table.hpp"

#include <algorithm>
#include <array>

namespace rouse {

namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest = 4;  // a cut column that still says something
constexpr std::size_t kRoomy = 12;     // … and one that says enough
constexpr std::size_t kWrapMin = 16;   // a last column narrower than this is not wrapped, but cut
constexpr std::string_view kMore = "…";

struct CodePoint {
  char32_t code = 0;
  std::size_t bytes = 1;
};

/// The first one of @p text, which is not empty; a byte that is no UTF-8 stands for itself.
CodePoint first_point(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t bytes = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (bytes == 1 || text.size() < bytes) return {lead, 1};
  char32_t code = lead & (0x7FU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return {lead, 1};
    code = code << 6 | (next & 0x3FU);
  }
  return {code, bytes};
}

bool is_control_code(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

using Range = std::pair<char32_t, char32_t>;

/// The scripts and signs that terminals show in two columns, and what they put onto the sign
/// before.
constexpr std::array kWide{
    Range{0x1100, 0x115F},   Range{0x2E80, 0xA4CF},   Range{0xAC00, 0xD7A3},
    Range{0xF900, 0xFAFF},   Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},
    Range{0xFFE0, 0xFFE6},   Range{0x1F300, 0x1F64F}, Range{0x1F680, 0x1F6FF},
    Range{0x1F900, 0x1FAFF}, Range{0x20000, 0x3FFFD}};
constexpr std::array kOnTop{Range{0x300, 0x36F},   Range{0x200B, 0x200F}, Range{0x202A, 0x202E},
                            Range{0x2060, 0x2064}, Range{0x20D0, 0x20FF}, Range{0xFE00, 0xFE0F}};

template <class Ranges>
bool is_in(const Ranges& ranges, char32_t code) {
  return std::any_of(ranges.begin(), ranges.end(), [code](const Range& range) {
    return code >= range.first && code <= range.second;
  });
}

std::size_t columns_of(char32_t code) {
  if (code < 0x300) return 1;
  if (is_in(kOnTop, code)) return 0;
  return is_in(kWide, code) ? 2 : 1;
}

/// The longest beginning of @p text that is not wider than @p width.
std::string_view beginning(std::string_view text, std::size_t width) {
  std::size_t taken = 0;
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const CodePoint point = first_point(text.substr(bytes));
    taken += columns_of(point.code);
    if (taken > width) break;
    bytes += point.bytes;
  }
  return text.substr(0, bytes);
}

std::string_view without_end_blanks(std::string_view text) {
  const std::size_t last = text.find_last_not_of(' ');
  return last == std::string_view::npos ? std::string_view() : text.substr(0, last + 1);
}

/// Breaks one line, which is wider than @p width, between words where it can.
void break_line(std::string_view line, std::size_t width, std::vector<std::string>& out) {
  while (text_width(line) > width) {
    std::string_view part = beginning(line, width);
    // A sign of two columns in a window of one: better too wide than for ever.
    if (part.empty()) part = line.substr(0, first_point(line).bytes);
    const bool ends_a_word = line.size() == part.size() || line[part.size()] == ' ';
    const std::size_t blank = part.rfind(' ');
    if (!ends_a_word && blank != std::string_view::npos && blank > 0) part = part.substr(0, blank);
    const std::size_t next = line.find_first_not_of(' ', part.size());
    out.emplace_back(without_end_blanks(part));
    line = next == std::string_view::npos ? std::string_view() : line.substr(next);
  }
  if (!line.empty()) out.emplace_back(line);
}

using Widths = std::vector<std::size_t>;

Widths widths_of(const std::vector<TableRow>& rows) {
  Widths widths;
  for (const TableRow& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], text_width(row[i].text));
    }
  }
  return widths;
}

/// What a line takes: a column of width 0 is not there.
std::size_t line_width(const Widths& widths, std::size_t indent) {
  std::size_t sum = indent;
  std::size_t shown = 0;
  for (const std::size_t width : widths) {
    sum += width;
    if (width > 0) ++shown;
  }
  return sum + (shown > 1 ? (shown - 1) * kGap : 0);
}

std::vector<std::size_t> order_of_giving_way(const TableFit& fit, std::size_t columns) {
  std::vector<std::size_t> order = fit.give_way;
  for (std::size_t i = columns; i-- > 0;) {
    if (std::find(order.begin(), order.end(), i) == order.end()) order.push_back(i);
  }
  std::erase_if(order, [columns](std::size_t i) { return i >= columns; });
  return order;
}

/// Makes the columns so narrow that a line fits: each in its turn down to what still says
/// something, and the first ones not at all where even that is too wide.
void fit_widths(Widths& widths, const TableFit& fit) {
  const std::size_t room = fit.look.width;
  if (room == 0 || line_width(widths, fit.indent) <= room) return;
  const std::size_t last = widths.size() - 1;
  if (fit.wrap_last) {
    const std::size_t others = line_width(widths, fit.indent) - widths[last];
    if (others + kWrapMin <= room) {
      widths[last] = room - others;
      return;
    }
    widths[last] = std::min(widths[last], kWrapMin);
  }
  const std::vector<std::size_t> order = order_of_giving_way(fit, widths.size());
  Widths narrowest = widths;
  for (std::size_t& width : narrowest) width = std::min(width, kNarrowest);
  for (std::size_t i = 0; i + 1 < order.size(); ++i) {
    if (line_width(narrowest, fit.indent) <= room) break;
    narrowest[order[i]] = 0;
    widths[order[i]] = 0;
  }
  // In two rounds: half a word of each is better than the whole of one and nothing of another.
  for (const std::size_t floor : {kRoomy, kNarrowest}) {
    for (const std::size_t column : order) {
      const std::size_t taken = line_width(widths, fit.indent);
      if (taken <= room) return;
      const std::size_t least = std::max(narrowest[column], std::min(widths[column], floor));
      widths[column] -= std::min(widths[column] - least, taken - room);
    }
  }
  if (line_width(widths, fit.indent) <= room) return;
  // One is left, and takes what there is.
  std::size_t& width = widths[order.back()];
  width = std::max<std::size_t>(room > fit.indent ? room - fit.indent : 0, 1);
}

/// One row as it is shown; a cell that goes on below itself makes more lines than one.
std::string lines_of_row(const TableRow& row, const Widths& widths, const TableFit& fit) {
  std::string line(fit.indent, ' ');
  std::string blanks;  // written only before what is not blank
  std::string more;
  std::size_t at = fit.indent;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (widths[i] == 0) continue;
    std::string text;
    const bool is_last = i + 1 == widths.size();
    const bool goes_on = is_last && fit.wrap_last && (fit.look.width == 0 || widths[i] >= kWrapMin);
    if (!goes_on) {
      text = one_line(row[i].text);
    } else {
      const std::vector<std::string> lines =
          wrap_text(row[i].text, fit.look.width == 0 ? 0 : widths[i]);
      text = lines.front();
      for (std::size_t n = 1; n < lines.size(); ++n) {
        more += std::string(at, ' ') + toned(lines[n], row[i].tone, fit.look) + "\n";
      }
    }
    text = cut_text(text, widths[i]);
    const std::size_t taken = text_width(text);
    if (taken > 0) line += std::exchange(blanks, {}) + toned(text, row[i].tone, fit.look);
    blanks += std::string(widths[i] - taken + kGap, ' ');
    at += widths[i] + kGap;
  }
  return std::string(without_end_blanks(line)) + "\n" + more;
}

}  // namespace

std::size_t text_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const CodePoint point = first_point(text);
    width += columns_of(point.code);
    text.remove_prefix(point.bytes);
  }
  return width;
}

std::string one_line(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = first_point(text);
    if (point.code == '\n' || point.code == '\r' || point.code == '\t') {
      out += ' ';
    } else if (is_control_code(point.code)) {
      out += '?';
    } else {
      out += text.substr(0, point.bytes);
    }
    text.remove_prefix(point.bytes);
  }
  return std::string(without_end_blanks(out));
}

std::string cut_text(std::string_view text, std::size_t width) {
  if (text_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  return std::string(without_end_blanks(beginning(text, width - 1))) + std::string(kMore);
}

std::vector<std::string> wrap_text(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string line = one_line(text.substr(0, end));
    if (width == 0) {
      if (!line.empty()) lines.push_back(line);
    } else {
      break_line(line, width, lines);
    }
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  if (lines.empty()) lines.emplace_back();
  return lines;
}

std::string toned(std::string_view text, Tone tone, const PageLook& look) {
  if (!look.colours || text.empty()) return std::string(text);
  std::string_view code;
  switch (tone) {
    case Tone::Plain:
      return std::string(text);
    case Tone::Strong:
      code = "1";
      break;
    case Tone::Good:
      code = "32";
      break;
    case Tone::Warning:
      code = "33";
      break;
    case Tone::Bad:
      code = "31";
      break;
    case Tone::Faint:
      code = "2";
      break;
  }
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

std::string text_table(const std::vector<TableRow>& rows, const TableFit& fit) {
  Widths widths = widths_of(rows);
  if (widths.empty()) return {};
  fit_widths(widths, fit);
  std::string out;
  for (const TableRow& row : rows) out += lines_of_row(row, widths, fit);
  return out;
}

}  // namespace rouse
