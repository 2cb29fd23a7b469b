#include "proxy/wire/json_writer.hpp"

#include "proxy/wire/error_body.hpp"

#include <fmt/format.h>

#include <cmath>

namespace rouse::wire {

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

}  // namespace rouse::wire
