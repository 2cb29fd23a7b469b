#pragma once

#include "tests/integration/demo_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace rouse::test {

/// One row of llama-swap's table of routes, of its errors, or of its checklist: what a drop-in must
/// answer, and where we answer otherwise on purpose.
struct Row {
  std::string method;
  std::string target;
  std::string body;
  ProbeHeaders headers;
  int status;
  std::string contains;   ///< in the body, or "Name: value" of a field
  std::string otherwise;  ///< why it is not llama-swap's answer; empty: it is
};

inline std::string body_for(std::string_view path) {
  if (path.find("messages") != std::string_view::npos ||
      path.find("chat") != std::string_view::npos) {
    return R"({"model":"a","max_tokens":50,"messages":[{"role":"user","content":"hi"}]})";
  }
  return R"({"model":"a","input":"hi","prompt":"hi","query":"q","documents":["d"]})";
}

/// Asks @p world, compares, and prints the row.
inline void expect(const World& world, const Row& row) {
  SCOPED_TRACE(row.method + " " + row.target);
  const ProbeResponse answer = http(world.port(), row.method, row.target, row.body, row.headers);
  EXPECT_EQ(answer.status, row.status) << answer.body;
  if (!row.contains.empty()) {
    const std::size_t colon = row.contains.find(": ");
    const bool is_field =
        colon != std::string::npos && answer.has_header(row.contains.substr(0, colon));
    EXPECT_THAT(is_field ? row.contains.substr(0, colon) + ": " +
                               answer.header(row.contains.substr(0, colon))
                         : answer.body,
                testing::HasSubstr(row.contains));
  }
  std::printf("  %-7s %-40s %d  %s\n", row.method.c_str(), row.target.substr(0, 40).c_str(),
              answer.status,
              row.otherwise.empty() ? "same" : ("different: " + row.otherwise).c_str());
}

/// The models a (alias x) and comfyui_auto, profile p, selector s.
inline std::string config(std::string_view more = "") {
  return models({fake_model("a", "", "    aliases: [x]\n"), fake_model("comfyui_auto")},
                fmt::format("groups: {{all: {{swap: false, members: [a, comfyui_auto]}}}}\n"
                            "profiles: {{p: {{description: d, pins: {{y: a}}}}}}\n"
                            "selectors: {{s: {{strategy: pin, targets: [a]}}}}\n{}",
                            more));
}

}  // namespace rouse::test
