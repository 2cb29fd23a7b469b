#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proxy/config/check_report.hpp"
#include "proxy/config/config.hpp"

/// Any text is a configuration or a list of problems; a good one can be reported.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const rouse::LoadedConfig loaded = rouse::parse_config(text, "fuzz.yaml");
  if (loaded.config) {
    (void)rouse::check_report(loaded);
    (void)rouse::check_report_json(loaded);
  } else if (loaded.problems.empty()) {
    __builtin_trap();  // refused without a word
  }
  return 0;
}
