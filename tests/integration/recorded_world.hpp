#pragma once

#include "tests/integration/demo_world.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::test {

/// Everything that the recorded clients ask for, with one place for a model. All times are the real
/// ones (the defaults, and @p load for each engine), divided by @p scale.
inline std::string one_place(std::chrono::seconds load, int scale, const std::string& record) {
  using namespace std::chrono_literals;
  const auto scaled = [&](std::chrono::milliseconds real) { return (real / scale).count(); };
  const std::string options = fmt::format("--load-ms {} --record {}", scaled(load), record);
  const auto model = [&](std::string_view id, std::string_view aliases) {
    return fake_model(id, options, fmt::format("    aliases: [{}]\n", aliases));
  };
  return models(
      {model("local-big", "claude-opus-5-5, org/local-big"), model("local-small", "claude-haiku-*"),
       model("local-sonnet", "claude-sonnet-*"), model("local-embed", ""), model("local-tts", ""),
       model("local-sd", ""), model("local-whisper", "")},
      fmt::format("waiting: {{hold: {}ms, keepAlive: {}ms}}\n"
                  "schedule: {{linger: {}ms, minResidency: {}ms, maxWait: {}ms}}\n"
                  "aux: {{patience: {}ms}}",
                  scaled(12s), scaled(8s), scaled(1s), scaled(2s), scaled(120s), scaled(1s)));
}

/// The names of the engines in the order of their starts.
inline std::vector<std::string> starts(const std::string& log) {
  std::vector<std::string> names;
  for (std::size_t at = 0; (at = log.find(" I start ", at)) != std::string::npos;) {
    at += 9;
    names.push_back(log.substr(at, log.find(':', at) - at));
  }
  return names;
}

}  // namespace rouse::test
