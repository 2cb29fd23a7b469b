// Ollama's calls and the answers to them. The first byte says which call, and whether the rest is a
// request, a stream or one JSON text. Whatever comes in, what goes out is JSON: a request in
// OpenAI's form, or lines that each are an object, the same however the stream is cut, and its end
// among them.

#include "proxy/wire/ollama_answer.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace rouse::wire;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "ollama_fuzz: %s\n", what);
  std::abort();
}

bool is_object(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  const simdjson::padded_string padded(text);
  return parser.parse(padded).get(object) == simdjson::SUCCESS;
}

std::string lines_of(OllamaCall call, std::string_view stream, std::size_t piece) {
  OllamaAnswer answer(call, "m");
  std::string out;
  while (!stream.empty()) {
    out += answer.feed(stream.substr(0, piece), "now");
    stream.remove_prefix(std::min(piece, stream.size()));
  }
  return out + answer.finish({}, "now");
}

void read_stream(OllamaCall call, std::string_view stream) {
  const std::string lines = lines_of(call, stream, stream.size() + 1);
  expect(lines == lines_of(call, stream, 1), "another answer byte by byte");
  expect(lines.ends_with('\n'), "no end");
  std::string_view rest = lines;
  std::string_view last;
  while (!rest.empty()) {
    last = rest.substr(0, rest.find('\n'));
    expect(is_object(last), "a line that is no object");
    rest.remove_prefix(last.size() + 1);
  }
  const bool says_end = last.find("\"done\":true") != std::string_view::npos;
  expect(says_end || last.starts_with("{\"error\":"), "a last line that does not say so");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto call = static_cast<OllamaCall>(1 + data[0] % 4);
  switch (data[0] / 4 % 3) {
    case 0: {
      const auto read = read_ollama_request(call, text, "m");
      const auto* const made = std::get_if<OllamaRequest>(&read);
      expect(made == nullptr || is_object(made->body), "a request that is no object");
      break;
    }
    case 1:
      read_stream(call, text);
      break;
    default: {
      OllamaAnswer answer(call, "m");
      const auto made = answer.whole(text, {}, "now");
      expect(!made || is_object(*made), "an answer that is no object");
    }
  }
  return 0;
}
