// Edits against simdjson: the first line of the input is paths, the rest is the body. What simdjson
// takes for an object or array is still one after any edits that succeed, and no edits change no
// byte. A body that is no JSON may come out as anything, but must not crash, hang or grow.

#include "proxy/wire/json_edit.hpp"

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using rouse::wire::JsonEdit;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "json_edit_fuzz: %s\n", what);
  std::abort();
}

bool is_json(const std::string& text) {
  simdjson::dom::parser parser;
  simdjson::dom::element top;
  if (parser.parse(text).get(top) != simdjson::SUCCESS) return false;
  return top.is_object() || top.is_array();
}

/// Blanks between the paths; one that begins with ! is removed.
std::vector<JsonEdit> edits_of(std::string_view line) {
  std::vector<JsonEdit> edits;
  while (!line.empty() && edits.size() < 8) {
    const std::size_t end = line.find(' ');
    std::string_view path = line.substr(0, end);
    const bool removes = path.starts_with('!');
    if (removes) path.remove_prefix(1);
    edits.push_back({removes ? JsonEdit::Kind::Remove : JsonEdit::Kind::Set, std::string(path),
                     removes ? "" : "{\"new\":[1]}"});
    if (end == std::string_view::npos) break;
    line.remove_prefix(end + 1);
  }
  return edits;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = input.find('\n');
  if (line == std::string_view::npos) return 0;
  const std::string body(input.substr(line + 1));
  const auto same = rouse::wire::edit_json(body, {});
  expect(same && *same == body, "no edits change the body");
  const auto edited = rouse::wire::edit_json(body, edits_of(input.substr(0, line)));
  if (edited && is_json(body)) expect(is_json(*edited), "the result is no JSON");
  return 0;
}
