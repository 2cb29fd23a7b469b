#include "base/yaml/bytes.hpp"

#include "base/text/utf8.hpp"

#include <fmt/format.h>

namespace rouse {

namespace {

/// A blank that is none to YAML, at the start of @p text; empty: there is none.
std::string_view foreign_blank(std::string_view text) {
  for (const std::string_view each :
       {"\u00a0", "\u2002", "\u2003", "\u2009", "\u200b", "\u202f", "\u3000", "\ufeff"}) {
    if (text.starts_with(each)) return each;
  }
  return {};
}

std::optional<YamlFault> line_fault(std::string_view line, int number) {
  const auto place = [&](std::size_t at) {
    return static_cast<int>(utf8_count(line.substr(0, at))) + 1;
  };
  bool is_indentation = true;
  for (std::size_t at = 0; at < line.size();) {
    const auto byte = static_cast<unsigned char>(line[at]);
    const std::size_t length = utf8_length(line.substr(at));
    if (length == 0) {
      return YamlFault{number, place(at),
                       fmt::format("the byte 0x{:02X} is not UTF-8 (is the file in Latin-1 or "
                                   "Windows-1252?): save it as UTF-8",
                                   byte)};
    }
    if (byte == 0) {
      return YamlFault{number, place(at),
                       "a NUL character stands here: the file is damaged, or no text; write it "
                       "again"};
    }
    if ((byte < 0x20 && byte != '\t') || byte == 0x7F) {
      return YamlFault{number, place(at),
                       fmt::format("the control character 0x{:02X} stands here: remove it", byte)};
    }
    if (is_indentation) {
      const std::string_view blank = foreign_blank(line.substr(at));
      if (!blank.empty()) {
        return YamlFault{
            number, place(at),
            "this line begins with a space that is none to YAML (copied from a page or "
            "a word processor?): put a plain one in its place"};
      }
      is_indentation = byte == ' ' || byte == '\t';
    }
    at += length;
  }
  return std::nullopt;
}

}  // namespace

std::optional<YamlFault> find_byte_fault(std::string_view text) {
  const bool has_mark = text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
  const bool has_gaps = text.size() > 3 && (text[0] == '\0') != (text[1] == '\0') &&
                        (text[0] == '\0') == (text[2] == '\0') &&
                        (text[1] == '\0') == (text[3] == '\0');
  if (has_mark || has_gaps) {
    return YamlFault{1, 1, "the file is in UTF-16: save it as UTF-8"};
  }
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  int number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (auto fault = line_fault(line, number)) return fault;
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return std::nullopt;
}

}  // namespace rouse
