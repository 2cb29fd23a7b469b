#include "proxy/request/timing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace rouse {

namespace {

std::string_view to_string(ColdStart cold) {
  switch (cold) {
    case ColdStart::None:
      return "none";
    case ColdStart::Load:
      return "load";
    case ColdStart::Wake:
      return "wake";
  }
  return "none";
}

}  // namespace

void add_timing(ResponseHead& head, const RequestTiming& timing) {
  const bool says_itself = timing.to_peer && timing.cold_start != ColdStart::Wake &&
                           head.fields.contains("x-rouse-cold-start");
  if (!says_itself) head.fields.set("x-rouse-cold-start", to_string(timing.cold_start));
  if (!timing.is_admitted) return;
  const auto turn = std::max(timing.waited - timing.load - timing.wake, core::Duration{0});
  std::string text(head.fields.find("server-timing").value_or(""));
  if (!text.empty()) text += ", ";
  text += fmt::format("{};dur={}", timing.to_peer ? "hold" : "queue", turn.count());
  if (timing.load.count() > 0) text += fmt::format(", load;dur={}", timing.load.count());
  // Parts of these: drain, stop and sweep of the queue, spawn and seen of the load.
  for (const auto& [name, lasted] : timing.swap.each()) {
    if (name != "load" && lasted.count() > 0)
      text += fmt::format(", {};dur={}", name, lasted.count());
  }
  if (timing.wake.count() > 0) text += fmt::format(", wake;dur={}", timing.wake.count());
  head.fields.set("server-timing", text);
}

}  // namespace rouse
