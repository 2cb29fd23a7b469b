#include "base/check.hpp"
#include "base/http/body.hpp"
#include "base/http/head.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace rouse {
namespace {

/// Decodes @p text as a body in pieces of @p step bytes; nullopt if it is refused.
std::optional<std::string> decode(Framing framing, std::string_view text, std::size_t step,
                                  bool& done) {
  BodyDecoder decoder(framing, 1000, 100'000);
  std::string bytes(text);
  std::string body;
  for (std::size_t at = 0; at < bytes.size() && !decoder.is_done();) {
    const std::size_t n = std::min(step, bytes.size() - at);
    auto decoded = decoder.decode(bytes.data() + at, n);
    if (!decoded) return std::nullopt;
    ROUSE_CHECK(decoded->consumed > 0 && decoded->consumed <= n);
    ROUSE_CHECK(decoder.is_done() || decoded->consumed == n);
    body += decoded->data;
    at += decoded->consumed;
  }
  done = decoder.is_done();
  return body;
}

/// What is accepted must mean the same however it arrives.
void check_body(Framing framing, std::string_view text) {
  bool done_whole = false;
  bool done_in_bytes = false;
  const auto whole = decode(framing, text, text.size(), done_whole);
  const auto in_bytes = decode(framing, text, 1, done_in_bytes);
  ROUSE_CHECK(whole == in_bytes);
  ROUSE_CHECK(done_whole == done_in_bytes);
}

/// What we write is what we read, and accept ourselves.
void check_request(std::string_view text) {
  const HttpLimits limits;
  std::size_t scanned = 0;
  auto parsed = parse_request_head(text, limits, scanned);
  if (!parsed || !*parsed) return;
  ROUSE_CHECK((*parsed)->size <= text.size());
  RequestHead& head = (*parsed)->head;
  ROUSE_CHECK(head.framing != Framing::UntilClose);
  check_body(head.framing, text.substr((*parsed)->size));
  if (!head.fields.contains("Host")) head.fields.set("Host", "h");
  const RequestHead before = head;
  remove_hop_by_hop(head.fields);
  if (!head.fields.contains("Host")) head.fields.set("Host", "h");
  std::string out;
  append_head(out, head);
  HttpLimits roomy;
  roomy.head_max = 4 * limits.head_max;
  std::size_t again = 0;
  const auto copy = parse_request_head(out, roomy, again);
  ROUSE_CHECK(copy && *copy && (*copy)->size == out.size());
  ROUSE_CHECK((*copy)->head.method == before.method && (*copy)->head.target == before.target);
  ROUSE_CHECK((*copy)->head.content_length == before.content_length);
}

void check_response(std::string_view text) {
  std::size_t scanned = 0;
  auto parsed = parse_response_head(text, HttpLimits(), scanned);
  if (!parsed || !*parsed) return;
  ROUSE_CHECK((*parsed)->size <= text.size());
  check_body((*parsed)->head.framing, text.substr((*parsed)->size));
  std::string out;
  WireResponse wire;
  wire.framing = (*parsed)->head.framing;
  wire.length = (*parsed)->head.content_length;
  append_head(out, (*parsed)->head, wire);
}

}  // namespace
}  // namespace rouse

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(data, data + size);
  rouse::check_request(text);
  rouse::check_response(text);
  rouse::check_body(rouse::Framing::Chunked, text);
  return 0;
}
