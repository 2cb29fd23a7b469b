#include "base/http/head.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>

namespace rouse {
namespace {

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end);
}

/// A value made of other people's text must not become a line of its own.
void append_clean(std::string& out, std::string_view text) {
  const auto begin = static_cast<std::ptrdiff_t>(out.size());
  out += text;
  std::replace_if(
      out.begin() + begin, out.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; },
      ' ');
}

bool is_framing_field(std::string_view name) {
  switch (name.size()) {
    case 10:
      return equal_without_case(name, "Connection");
    case 14:
      return equal_without_case(name, "Content-Length");
    case 17:
      return equal_without_case(name, "Transfer-Encoding");
    default:
      return false;
  }
}

void append_fields(std::string& out, const Fields& fields) {
  for (const Fields::Field& field : fields) {
    if (is_framing_field(field.name)) continue;
    append_clean(out, field.name);
    out += ": ";
    append_clean(out, field.value);
    out += "\r\n";
  }
}

void append_length(std::string& out, std::uint64_t length) {
  out += "Content-Length: ";
  append_number(out, length);
  out += "\r\n";
}

void append_connection(std::string& out, bool upgrade, bool close, bool keep) {
  if (upgrade && close) {
    out += "Connection: upgrade, close\r\n";
  } else if (upgrade) {
    out += "Connection: upgrade\r\n";
  } else if (close) {
    out += "Connection: close\r\n";
  } else if (keep) {
    out += "Connection: keep-alive\r\n";
  }
}

/// "Date: …\r\n" of this second.
const std::string& date_line() {
  static std::time_t second = 0;
  static std::string line;
  const std::time_t now = std::time(nullptr);
  if (now != second) {
    second = now;
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 64> text{};
    const std::size_t n =
        std::strftime(text.data(), text.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    line.assign(text.data(), n);
  }
  return line;
}

}  // namespace

void append_head(std::string& out, const RequestHead& head) {
  append_clean(out, head.method);
  out += ' ';
  append_clean(out, head.target);
  out += " HTTP/1.1\r\n";
  append_fields(out, head.fields);
  append_connection(out, head.fields.contains("Upgrade"), !head.keep_alive, false);
  const bool expects_body = head.method == "POST" || head.method == "PUT" || head.method == "PATCH";
  if (head.framing == Framing::Chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (head.framing == Framing::Length || expects_body) {
    append_length(out, head.content_length);
  }
  out += "\r\n";
}

void append_head(std::string& out, const ResponseHead& head, const WireResponse& wire) {
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(head.status));
  out += ' ';
  append_clean(out, head.reason.empty() ? reason_phrase(head.status) : head.reason);
  out += "\r\n";
  append_fields(out, head.fields);
  if (head.status >= 200) {
    if (!head.fields.contains("Date")) out += date_line();
    append_connection(out, head.fields.contains("Upgrade"), !wire.keep_alive, wire.version < 11);
  } else if (head.status == 101) {
    append_connection(out, true, false, false);
  }
  // RFC 9110 §8.6: none with 1xx and 204; with 304, and to HEAD, that of the body that is not sent.
  if (head.status >= 200 && head.status != 204) {
    if (wire.framing == Framing::Chunked) {
      out += "Transfer-Encoding: chunked\r\n";
    } else if (wire.framing == Framing::Length) {
      append_length(out, wire.length);
    } else if (wire.framing == Framing::None && head.status != 304 && !wire.to_head) {
      append_length(out, 0);
    }
  }
  out += "\r\n";
}

}  // namespace rouse
