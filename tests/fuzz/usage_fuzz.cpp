// What the usage tap learns of a body must not depend on how it is cut, and must make sense. The
// first byte of the input says what the body is: e events, j a document; E and J: of an error.

#include "proxy/wire/usage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace {

using rouse::wire::Usage;
using rouse::wire::UsageTap;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "usage_fuzz: %s\n", what);
  std::abort();
}

struct Kind {
  UsageTap::Body body;
  int status;
};

Kind kind_of(char c) {
  const bool is_error = c >= 'A' && c <= 'Z';
  const bool is_events = c == 'e' || c == 'E';
  return {is_events ? UsageTap::Body::Events : UsageTap::Body::Json, is_error ? 503 : 200};
}

void expect_sense(const Usage& usage) {
  for (const auto& count : {usage.input, usage.output, usage.cached, usage.reasoning, usage.drafted,
                            usage.draft_accepted}) {
    expect(!count || *count >= 0, "a negative count");
  }
  expect(usage.plain_input >= 0 && usage.engine_ms() >= 0, "a negative number");
  expect(usage.error.size() <= 500 && usage.finish_reason.size() <= 40, "a long text");
}

std::string told(const Usage& usage, int content) {
  const auto text = [](const auto& field) { return field ? fmt::format("{}", *field) : "-"; };
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} '{}' '{}' {}", text(usage.input),
                     text(usage.output), text(usage.cached), text(usage.reasoning),
                     text(usage.drafted), text(usage.draft_accepted), text(usage.prompt_per_second),
                     text(usage.tokens_per_second), text(usage.prompt_ms), text(usage.predicted_ms),
                     usage.plain_input, usage.ended, usage.finish_reason, usage.error, content);
}

/// In pieces of up to @p most bytes.
std::string learned(Kind kind, std::string_view body, std::uint32_t random, std::size_t most) {
  UsageTap tap(kind.body, kind.status);
  int content = 0;
  while (!body.empty()) {
    random = random * 1664525U + 1013904223U;
    const std::size_t size = std::min((random >> 16) % most + 1, body.size());
    content += tap.feed(body.substr(0, size));
    body.remove_prefix(size);
  }
  const Usage usage = tap.finish();
  expect_sense(usage);
  return told(usage, content);
}

std::string learned_whole(Kind kind, std::string_view body) {
  UsageTap tap(kind.body, kind.status);
  const int content = tap.feed(body);
  return told(tap.finish(), content);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view body(reinterpret_cast<const char*>(data), size);
  if (body.empty()) return 0;
  const Kind kind = kind_of(body.front());
  body.remove_prefix(1);
  const std::string whole = learned_whole(kind, body);
  std::uint32_t random = 2166136261U;
  for (const char c : body) random = (random ^ static_cast<unsigned char>(c)) * 16777619U;
  for (const std::size_t most : {std::size_t{1}, std::size_t{8}, std::size_t{60}, size}) {
    if (learned(kind, body, random, most) == whole) continue;
    std::fprintf(stderr, "%s\n%s in pieces of %zu\n", whole.c_str(),
                 learned(kind, body, random, most).c_str(), most);
    expect(false, "it depends on the cuts");
  }
  return 0;
}
