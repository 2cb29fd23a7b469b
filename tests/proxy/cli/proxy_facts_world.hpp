#pragma once

#include "proxy/cli/proxy_facts.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace rouse::test {

/// A busy night, as /api/explain tells it: every state that a model or a peer can be in.
inline constexpr std::string_view kNightModels = R"([
 {"model":"broken","state":"failed","for_s":12.2,"running":0,"waiting":0,"retry_in_s":17.8,
  "last_failure":"ended with status 3 after 0.1 s: cannot open the model file","failures":3,
  "circuit_open":true,"failed_s":12.2,"reason":"ended with status 3 after 0.1 s: cannot open the model file",
  "started_for":"77aa","ttl_s":0,"at_once":10,"priority":0,"aliases":[]},
 {"model":"coder","state":"ready","for_s":192.4,"running":1,"waiting":0,"pid":4711,
  "reason":"1 request waiting","started_for":"3f2a","ttl_s":1800,"at_once":10,"priority":0,"aliases":["gpt-4o"]},
 {"model":"embed","state":"ready","for_s":4000,"running":0,"waiting":0,"pid":4712,"unload_in_s":1560.4,
  "reason":"hooks.on_startup preloads it","ttl_s":1800,"at_once":10,"priority":0,"aliases":[]},
 {"model":"planner","state":"stopped","for_s":192.4,"running":0,"waiting":1,"stopped_by":"evicted",
  "reason":"idle for 5 s; makes room for coder: 1 request waiting",
  "held":"loads when coder (1 running) is idle; newcomers are kept out in 31 s at the latest",
  "started_for":"1b1b","ttl_s":0,"at_once":10,"priority":0,"aliases":[]},
 {"model":"spare","state":"stopped","running":0,"waiting":0,"ttl_s":0,"at_once":10,"priority":0,"aliases":[]}])";

inline constexpr std::string_view kNightWaiting = R"([
 {"request_id":"9c0d","model":"planner","client":"alice","address":"10.0.0.4","priority":0,"waiting_s":12.0,
  "next":"loads when coder (1 running) is idle; newcomers are kept out in 31 s at the latest"}])";

inline constexpr std::string_view kNightPeers = R"([
 {"name":"attic","proxy":"http://192.168.1.20:8080","state":"asleep","reason":"says that it goes to sleep",
  "since_ms":7380000,"service_down":false,"can_wake":true,"waiting":0,"held_bytes":0,"heard_ms":7380000,
  "last_wake":{"peer":"attic","at":"2026-11-30T16:00:00.000Z","ago_s":10800,"reason":"a request needs it",
   "outcome":"ok","key":"alice","address":"10.0.0.4","agent":"curl","model":"huge","request_id":"aa","volleys":12,
   "to_network_ms":9000,"to_service_ms":23000,"to_first_byte_ms":25000,"answered":true},
  "macs":["3c:7c:3f:12:34:56"],"models":["huge"]},
 {"name":"barn","proxy":"http://192.168.1.21:8080","state":"failed","reason":"did not wake within 120 s",
  "since_ms":4000,"service_down":false,"can_wake":true,"waiting":0,"held_bytes":0,"retry_in_ms":11000,"failures":1,
  "asked_ms":4000,"answer":"connecting to 192.168.1.21:8080: Connection timed out",
  "last_wake":{"peer":"barn","at":"2026-11-30T18:58:00.000Z","ago_s":124,"reason":"a request needs it",
   "outcome":"timeout","key":"","address":"10.0.0.4","agent":"curl","model":"tiny","request_id":"bb","volleys":40,
   "to_network_ms":null,"to_service_ms":null,"to_first_byte_ms":null,"answered":false},
  "macs":[],"models":[]}])";

inline constexpr std::string_view kNightPower =
    R"({"state":"awake","epoch":1,"boot_id":"b","since_ms":11520000,
  "reason":"started","sleep_in_ms":null,"blocked":null,"wake":{"macs":[]},"last_sleep":null,
  "daemon":false,"lease":false,"last_activity_ms":0,
  "busy":[{"kind":"inflight","model":"coder","age_ms":3000,"id":5},{"kind":"queued","model":"planner","age_ms":12000,"id":6}]})";

inline constexpr std::string_view kNightDecisions = R"([
 {"at":"20:10:54","age_s":198,"subject":"planner","also":"coder","text":"stop planner: idle for 5 s; makes room for coder: 1 request waiting"},
 {"at":"20:10:55","age_s":197,"subject":"planner","text":"planner is gone"},
 {"at":"20:10:55","age_s":197,"subject":"coder","text":"start coder: 1 request waiting, first 3f2a"},
 {"at":"20:11:02","age_s":192,"subject":"coder","text":"coder is ready"},
 {"at":"20:13:55","age_s":12,"subject":"broken","text":"broken failed: ended with status 3 after 0.1 s: cannot open the model file"}])";

/// @p asked: the member of that name, with a comma behind it; empty: the whole proxy was asked for.
inline std::string night_json(std::string_view asked = {}) {
  std::string text = "{";
  text += asked;
  text +=
      R"("version":"0.1.0","at":"2026-11-30T20:14:07.000Z","up_s":11525.0,"shutting_down":false,)";
  text += R"("max_wait_s":120.0,"profile":null,"models":)";
  text += kNightModels;
  text += ",\"waiting\":";
  text += kNightWaiting;
  text += ",\"peers\":";
  text += kNightPeers;
  text += ",\"power\":";
  text += kNightPower;
  text += ",\"decisions\":";
  text += kNightDecisions;
  return text + "}";
}

inline ProxyFacts facts_of(const std::string& json) {
  std::optional<ProxyFacts> facts = ProxyFacts::parse(json);
  EXPECT_TRUE(facts) << json;
  return std::move(*facts);
}

inline PageLook window(std::size_t width, bool colours = false) {
  PageLook look;
  look.width = width;
  look.colours = colours;
  return look;
}

/// Of the page's lines, without colours.
inline std::size_t widest_line(std::string_view page) {
  std::size_t widest = 0;
  while (!page.empty()) {
    const std::size_t end = page.find('\n');
    widest = std::max(widest, text_width(page.substr(0, end)));
    page.remove_prefix(end == std::string_view::npos ? page.size() : end + 1);
  }
  return widest;
}

}  // namespace rouse::test
