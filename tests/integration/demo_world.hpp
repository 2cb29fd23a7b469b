#pragma once

#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/support/world.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rouse::test {

/// The `models:` entry of a fake engine. @p options go to its command line, @p keys are further
/// YAML lines of the model, indented by four.
inline std::string fake_model(std::string_view id, std::string_view options = {},
                              std::string_view keys = {}) {
  const std::uint16_t port = free_port();
  return fmt::format(
      "  {0}:\n    cmd: {1} --name {0} --port {2} {3}\n"
      "    proxy: http://127.0.0.1:{2}\n{4}",
      id, built_program("fake_engine"), port, options, keys);
}

inline std::string models(const std::vector<std::string>& entries, std::string_view rest = {}) {
  std::string text = fmt::format("{}\nmodels:\n", rest);
  for (const std::string& entry : entries) text += entry;
  return text;
}

inline std::string chat(std::string_view model, bool stream = false,
                        std::string_view message = "hello") {
  return fmt::format(R"({{"model":"{}","messages":[{{"role":"user","content":"{}"}}]{}}})", model,
                     message, stream ? R"(,"stream":true)" : "");
}

}  // namespace rouse::test
