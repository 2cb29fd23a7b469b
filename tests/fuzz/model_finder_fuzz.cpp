// The model finder against simdjson: whatever simdjson takes for an object, the finder reads to the
// same end, with the same top-level "model" and first "stream", however the bytes are split; unless
// it names its model twice.

#include "base/text/ascii.hpp"
#include "proxy/wire/model_finder.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace {

using rouse::wire::ModelFinder;
using State = ModelFinder::State;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "model_finder_fuzz: %s\n", what);
  std::abort();
}

ModelFinder read_whole(std::string_view body) {
  ModelFinder finder;
  finder.feed(body);
  finder.finish();
  return finder;
}

/// Splits at places that the bytes themselves choose.
ModelFinder read_in_pieces(std::string_view body) {
  ModelFinder finder;
  std::uint32_t random = 2166136261U;
  for (const char c : body) random = (random ^ static_cast<unsigned char>(c)) * 16777619U;
  while (!body.empty()) {
    random = random * 1664525U + 1013904223U;
    const std::size_t size = (random >> 24) % 20;
    finder.feed(body.substr(0, size));
    body.remove_prefix(std::min(size, body.size()));
  }
  finder.finish();
  return finder;
}

void expect_same(const ModelFinder& a, const ModelFinder& b) {
  expect(a.state() == b.state(), "the state depends on the splits");
  expect(a.problem() == b.problem(), "the problem depends on the splits");
  expect(a.model() == b.model(), "the model depends on the splits");
  expect(a.stream() == b.stream(), "stream depends on the splits");
  expect(a.model_is_no_text() == b.model_is_no_text(), "the kind depends on the splits");
  expect(a.model_begin() == b.model_begin() && a.model_end() == b.model_end(),
         "the place depends on the splits");
}

void expect_model(const ModelFinder& finder, simdjson::dom::object object) {
  simdjson::dom::element value;
  if (object.at_key("model").get(value) != simdjson::SUCCESS) {
    expect(!finder.model() && !finder.model_is_no_text(), "a model that is not there");
    return;
  }
  std::string_view text;
  double number = 0;
  if (value.get(text) == simdjson::SUCCESS) {
    expect(finder.model() == text, "another name");
  } else if (value.get(number) == simdjson::SUCCESS) {
    expect(finder.model().has_value(), "no number");
    expect(std::strtod(finder.model()->c_str(), nullptr) == number, "another number");
  } else {
    expect(finder.model_is_no_text(), "a model that is no text");
  }
}

void expect_stream(const ModelFinder& finder, simdjson::dom::object object) {
  simdjson::dom::element value;
  if (object.at_key("stream").get(value) != simdjson::SUCCESS) {
    expect(!finder.stream(), "stream that is not there");
    return;
  }
  bool truth = value.is_object() || value.is_array();
  std::string_view text;
  double number = 0;
  if (value.get(text) == simdjson::SUCCESS) truth = !text.empty();
  // A number too small for a double is not zero in the text.
  if (value.get(number) == simdjson::SUCCESS) truth = number != 0 || finder.stream() == true;
  if (value.is_bool()) truth = value.get_bool().value_unsafe();
  expect(finder.stream() == truth, "another truth of stream");
}

void expect_place(const ModelFinder& finder, std::string_view body) {
  if (!finder.model()) return;
  expect(finder.model_begin() < finder.model_end() && finder.model_end() <= body.size(),
         "no place in the body");
  const std::string_view literal =
      body.substr(finder.model_begin(), finder.model_end() - finder.model_begin());
  const bool quoted = literal.size() >= 2 && literal.front() == '"' && literal.back() == '"';
  expect(quoted || literal == *finder.model(), "the place is not that of the value");
}

int times_named(simdjson::dom::object object) {
  int times = 0;
  for (const simdjson::dom::key_value_pair member : object) {
    times += rouse::to_lower(member.key) == "model" ? 1 : 0;
  }
  return times;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const ModelFinder finder = read_whole(body);
  expect_same(finder, read_in_pieces(body));
  expect_place(finder, body);
  expect(finder.state() != State::Reading, "not at an end");
  expect((finder.state() == State::Malformed) != finder.problem().empty(), "no problem told");

  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(simdjson::padded_string(body)).get(object) != simdjson::SUCCESS) return 0;
  // The finder's own limits are the only reasons to refuse what simdjson takes.
  if (finder.problem().find("too deep") != std::string::npos ||
      finder.problem().find("too long") != std::string::npos) {
    return 0;
  }
  const bool is_refused = finder.problem().find("a second time") != std::string::npos;
  expect(is_refused == (times_named(object) > 1), "how often it names a model");
  if (is_refused) return 0;
  expect(finder.state() == State::Done, "refused though it is JSON");
  expect_model(finder, object);
  expect_stream(finder, object);
  return 0;
}
