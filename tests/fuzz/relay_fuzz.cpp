// What a relay is asked for, and what wakes a card: the first byte of the input says whether the
// rest is the body of POST /v1/wake (w), or a datagram. Whatever is accepted is within the bounds,
// and a packet that is found is one that we would send.

#include "base/wake/magic_packet.hpp"
#include "suspendd/relay/service.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "relay_fuzz: %s\n", what);
  std::abort();
}

void read_body(std::string_view body) {
  const auto request = rouse::suspendd::parse_relay_request(body);
  if (!request) {
    expect(!request.error().doing.empty(), "no problem told");
    return;
  }
  expect(!request->macs.empty() && request->macs.size() <= 16, "a number of cards");
  expect(request->broadcast.size() <= 8 && request->ports.size() <= 8, "a number of ways out");
  for (const std::uint16_t port : request->ports) expect(port != 0, "no port");
  for (const rouse::MacAddress& mac : request->macs) {
    const auto again = rouse::MacAddress::parse(mac.text());
    expect(again && *again == mac, "an address that we would not take ourselves");
  }
}

void read_datagram(std::string_view bytes) {
  const auto found = rouse::find_magic_packet(bytes);
  if (!found) return;
  const std::string packet = rouse::magic_packet(found->mac, found->secureon);
  const auto again = rouse::find_magic_packet(packet);
  expect(again.has_value() && *again == *found, "a packet that is not what was found");
  expect(bytes.find(packet) != std::string_view::npos, "a packet that was not there");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  data[0] == 'w' ? read_body(rest) : read_datagram(rest);
  return 0;
}
