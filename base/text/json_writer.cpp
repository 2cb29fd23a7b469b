#include "base/text/json_writer.hpp"

#include "base/text/utf8.hpp"

#include <fmt/format.h>

#include <cmath>

namespace rouse {

namespace {

/// The code of the control character from U+0080 to U+009F that @p text begins with; 0: of none.
unsigned c1_control(std::string_view text) {
  if (text.size() < 2 || text[0] != '\xc2') return 0;
  const auto second = static_cast<unsigned char>(text[1]);
  return second >= 0x80 && second < 0xa0 ? second : 0;
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const char c = text.front();
    std::size_t length = 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else if (const auto code = c1_control(text)) {
      // JSON may have them as they are; a terminal on which it is shown obeys some.
      out += fmt::format("\\u{:04x}", code);
      length = 2;
    } else {
      length = utf8_length(text);
      out += length == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, length);
      if (length == 0) length = 1;
    }
    text.remove_prefix(length);
  }
  out += '"';
  return out;
}

void JsonWriter::comma() {
  if (needs_comma_) text_ += ',';
  needs_comma_ = true;
}

void JsonWriter::open(char bracket) {
  comma();
  text_ += bracket;
  needs_comma_ = false;
}

void JsonWriter::close(char bracket) {
  text_ += bracket;
  needs_comma_ = true;
}

void JsonWriter::key(std::string_view name) {
  comma();
  text_ += json_string(name);
  text_ += ':';
  needs_comma_ = false;
}

void JsonWriter::value(std::string_view text) {
  raw(json_string(text));
}

void JsonWriter::value(double number) {
  if (!std::isfinite(number)) return null();
  raw(fmt::format("{:.3f}", number));
}

void JsonWriter::raw(std::string_view json) {
  comma();
  text_ += json;
}

}  // namespace rouse
