#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rouse {

/// A JSON string literal with its quotes.
[[nodiscard]] std::string json_string(std::string_view text);

/// Writes compact JSON into a string. The caller keeps begin and end in balance; commas and escapes
/// are done here. Bytes that are not UTF-8 become U+FFFD, so the text is always valid.
class JsonWriter {
 public:
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);

  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(const std::string& text) { value(std::string_view(text)); }
  void value(bool truth) { raw(truth ? "true" : "false"); }
  void value(int number) { value(static_cast<std::int64_t>(number)); }
  void value(std::int64_t number) { raw(std::to_string(number)); }
  void value(std::uint64_t number) { raw(std::to_string(number)); }
  void value(double number);  ///< three decimals; null if not finite, as JSON has no such number
  void null() { raw("null"); }
  /// JSON text as it is.
  void raw(std::string_view json);
  /// One or more members, with commas between them.
  void members(std::string_view json) { raw(json); }

  template <class T>
  void member(std::string_view name, const T& of) {
    key(name);
    value(of);
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void open(char bracket);
  void close(char bracket);
  void comma();

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace rouse
