// Boundaries of server-sent events: a comment is put in only behind a blank line, however the
// stream is cut, and never between the two halves of a line end.

#include "proxy/wire/sse.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

using rouse::wire::EventBoundary;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "events_fuzz: %s\n", what);
  std::abort();
}

/// Whether @p stream, which is not empty, ends with a blank line, by looking at it backwards.
bool ends_with_blank_line(std::string_view stream) {
  const auto take_line_end = [&stream] {
    if (stream.ends_with("\r\n")) {
      stream.remove_suffix(2);
    } else if (stream.ends_with('\n') || stream.ends_with('\r')) {
      stream.remove_suffix(1);
    } else {
      return false;
    }
    return true;
  };
  if (!take_line_end()) return false;
  return stream.empty() || stream.ends_with('\n') || stream.ends_with('\r');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  EventBoundary whole;
  whole.feed(stream);
  EventBoundary bytes;
  expect(bytes.at_boundary(), "its very start is a boundary");
  for (std::size_t i = 0; i < size; ++i) {
    bytes.feed(stream.substr(i, 1));
    if (bytes.at_boundary()) {
      expect(ends_with_blank_line(stream.substr(0, i + 1)), "a boundary inside an event");
    }
  }
  if (whole.at_boundary() && size > 0) {
    expect(ends_with_blank_line(stream), "a boundary inside an event");
  }
  // A lone CR among CRLFs is what each cut may take it for.
  const bool is_mixed = stream.find('\r') != std::string_view::npos;
  expect(is_mixed || whole.at_boundary() == bytes.at_boundary(), "it depends on the cuts");
  return 0;
}
