#include "base/cli/roff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace rouse {

namespace {

constexpr std::size_t kRoffLine = 78;

std::string capitals(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return out;
}

/// The letter of UTF-8 text that begins at @p at, and how many bytes it has.
std::pair<unsigned, std::size_t> letter_at(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  unsigned letter = length == 1 ? first : first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length && at + i < text.size(); ++i) {
    letter = letter << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
  }
  return {letter, length};
}

std::string escaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto [letter, length] = letter_at(text, i);
    switch (letter) {
      case '\\':
        out += "\\e";
        break;
      case '-':
        out += "\\-";
        break;  // else a hyphen, which cannot be pasted
      case '\'':
        out += "\\(aq";
        break;
      case '`':
        out += "\\(ga";
        break;
      case '^':
        out += "\\(ha";
        break;
      case '~':
        out += "\\(ti";
        break;
      case '"':
        out += "\\(dq";
        break;
      default:
        if (letter < 0x80) {
          out += static_cast<char>(letter);
        } else {
          out += fmt::format("\\[u{:04X}]", letter);
        }
    }
    i += length;
  }
  return out;
}

}  // namespace

std::string roff_bold(std::string_view text) {
  return "\\fB" + escaped(text) + "\\fR";
}

std::string roff_placeholder(std::string_view text) {
  return "\\fI" + escaped(text) + "\\fR";
}

std::string roff_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = text.find('`');
    const std::size_t close = open == std::string_view::npos ? open : text.find('`', open + 1);
    if (close == std::string_view::npos) return out + escaped(text);
    out += escaped(text.substr(0, open)) + roff_bold(text.substr(open + 1, close - open - 1));
    text.remove_prefix(close + 1);
  }
  return out;
}

RoffPage::RoffPage(std::string_view name, int section, std::string_view date,
                   std::string_view source, std::string_view manual) {
  out_ = fmt::format(".TH \"{}\" \"{}\" \"{}\" \"{}\" \"{}\"\n", escaped(capitals(name)), section,
                     date, source, manual);
  // Names of options and files are to be pasted: nothing is hyphenated or stretched.
  out_ += ".nh\n.ad l\n";
}

void RoffPage::section(std::string_view title) {
  out_ += fmt::format(".SH \"{}\"\n", escaped(capitals(title)));
}

void RoffPage::subsection(std::string_view title) {
  out_ += fmt::format(".SS \"{}\"\n", escaped(title));
}

void RoffPage::text(std::string_view text) {
  bool is_first = out_.ends_with("\"\n");  // right below a title, which makes its own room
  while (!text.empty()) {
    const std::size_t end = text.find("\n\n");
    if (!is_first) out_ += ".PP\n";
    is_first = false;
    fold(roff_text(text.substr(0, end)));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 2);
  }
}

void RoffPage::item(std::string_view head, std::string_view text) {
  out_ += fmt::format(".TP\n{}\n", head);
  fold(text.empty() ? "\\&" : roff_text(text));
}

void RoffPage::raw(std::string_view line) {
  out_ += line;
  out_ += '\n';
}

void RoffPage::example(std::string_view lines) {
  if (!out_.ends_with("\"\n")) out_ += ".PP\n";
  out_ += ".RS 4\n.EX\n";
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    const std::string line = escaped(lines.substr(0, end));
    // An empty line, and one that begins as a macro does.
    if (line.empty() || line.front() == '.') out_ += "\\&";
    out_ += line + "\n";
    lines = end == std::string_view::npos ? std::string_view() : lines.substr(end + 1);
  }
  out_ += ".EE\n.RE\n";
}

void RoffPage::fold(std::string_view roff) {
  std::string line;
  const auto flush = [&] {
    if (line.front() == '.') line.insert(0, "\\&");
    out_ += line + "\n";
    line.clear();
  };
  while (!roff.empty()) {
    const std::size_t end = std::min(roff.find_first_of(" \n"), roff.size());
    const std::string_view word = roff.substr(0, end);
    roff.remove_prefix(std::min(end + 1, roff.size()));
    if (word.empty()) continue;
    if (!line.empty() && line.size() + 1 + word.size() > kRoffLine) flush();
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty()) flush();
}

}  // namespace rouse
