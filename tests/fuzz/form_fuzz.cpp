// Forms: what the finder learns of one does not depend on how it is cut, and another name is read
// where it was spliced in. The first byte of the input says which form: u urlencoded, else
// multipart with the boundary "b".

#include "proxy/wire/form_finder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using rouse::wire::FormFinder;
using State = FormFinder::State;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "form_fuzz: %s\n", what);
  std::abort();
}

FormFinder made(char kind) {
  return kind == 'u' ? FormFinder::urlencoded() : FormFinder::multipart("b");
}

/// In pieces of up to @p most bytes, of sizes that the bytes themselves choose.
FormFinder read(char kind, std::string_view body, std::size_t most) {
  FormFinder finder = made(kind);
  std::uint32_t random = 2166136261U;
  for (const char c : body) random = (random ^ static_cast<unsigned char>(c)) * 16777619U;
  while (!body.empty()) {
    random = random * 1664525U + 1013904223U;
    const std::size_t size = std::min((random >> 16) % most + 1, body.size());
    finder.feed(body.substr(0, size));
    body.remove_prefix(size);
  }
  finder.finish();
  return finder;
}

FormFinder read_whole(char kind, std::string_view body) {
  FormFinder finder = made(kind);
  finder.feed(body);
  finder.finish();
  return finder;
}

void expect_same(const FormFinder& a, const FormFinder& b) {
  expect(a.state() == b.state(), "the state depends on the cuts");
  expect(a.problem() == b.problem(), "the problem depends on the cuts");
  expect(a.model() == b.model(), "the model depends on the cuts");
  expect(a.stream() == b.stream(), "stream depends on the cuts");
  if (!a.model()) return;
  expect(a.model_begin() == b.model_begin() && a.model_end() == b.model_end(),
         "the place depends on the cuts");
}

void expect_renamed(char kind, std::string_view body, const FormFinder& finder) {
  if (!finder.model()) return;
  expect(finder.model_begin() <= finder.model_end() && finder.model_end() <= body.size(),
         "no place in the body");
  constexpr std::string_view kName = "its own & other=name";
  std::string renamed(body);
  renamed.replace(finder.model_begin(), finder.model_end() - finder.model_begin(),
                  finder.encoded(kName));
  expect(read_whole(kind, renamed).model() == kName, "the new name is not where the old one was");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const char kind = static_cast<char>(data[0]);
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const FormFinder finder = read_whole(kind, body);
  expect(finder.state() != State::Reading, "not at an end");
  expect((finder.state() == State::Malformed) != finder.problem().empty(), "no problem told");
  for (const std::size_t most : {std::size_t{1}, std::size_t{4}, std::size_t{40}}) {
    expect_same(finder, read(kind, body, most));
  }
  expect_renamed(kind, body, finder);
  return 0;
}
