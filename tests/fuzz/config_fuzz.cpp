// Any text is a configuration or has problems that say where: parse_config() never crashes, hangs
// or throws, and what it returns holds together.

#include "proxy/check/findings.hpp"
#include "proxy/check/report.hpp"
#include "proxy/config/config.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const rouse::LoadedConfig loaded = rouse::parse_config(text, "fuzz.yaml");
  const bool broken = std::any_of(loaded.problems.begin(), loaded.problems.end(),
                                  [](const rouse::Problem& problem) {
                                    return problem.severity == rouse::Problem::Severity::Error;
                                  });
  require(broken == (loaded.config == nullptr));
  for (const rouse::Problem& problem : loaded.problems) {
    require(!problem.text.empty() && problem.place.file == "fuzz.yaml");
  }
  if (!loaded.config) return 0;
  const rouse::Config& config = *loaded.config;
  require(config.residency != nullptr);
  for (const auto& [alias, id] : config.aliases) require(config.models.contains(id));
  for (const auto& [name, priority] : config.priority) require(config.find_model(name) != nullptr);
  for (const std::string& id : config.preload) require(config.models.contains(id));
  for (const auto& [id, model] : config.models) {
    require(model.id == id && model.concurrency_limit > 0 && model.unload_timeout.count() > 0);
    require(model.cmd.find('\0') == std::string::npos);
  }
  require(!rouse::check_report(loaded).empty());
  require(!rouse::check_report_json(loaded).empty());
  rouse::CheckedPlace place;
  place.files = &rouse::unseen_files();
  for (const rouse::Finding& finding : rouse::find_findings(loaded, place)) {
    require(!finding.title.empty() && !finding.what.empty());
  }
  return 0;
}
