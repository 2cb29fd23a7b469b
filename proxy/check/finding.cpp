#include "proxy/check/finding.hpp"

#include "core/swap/describe.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse {

std::string Finding::str() const {
  Problem problem;
  problem.severity = Problem::Severity::Error;  // a warning would say so in the middle of the line
  problem.place = place;
  problem.path = title;
  problem.text = todo.empty() ? what : what + " -> " + todo;
  return problem.str();
}

std::string_view name_of(Finding::Severity severity) {
  return severity == Finding::Severity::Warn ? "warn" : "refuse";
}

std::size_t count_of(const std::vector<Finding>& findings, Finding::Severity severity) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [severity](const Finding& each) { return each.severity == severity; }));
}

std::string findings_text(const std::vector<Finding>& findings) {
  std::size_t width = 0;
  for (const Finding& each : findings) width = std::max(width, each.title.size());
  std::string out;
  for (const Finding& each : findings) {
    const bool refuses = each.severity == Finding::Severity::Refuse;
    out += fmt::format("{}  {:<{}}  {}\n", refuses ? "REFUSE" : "warn  ", each.title, width,
                       each.what);
    if (!each.todo.empty()) out += fmt::format("        {:<{}}  -> {}\n", "", width, each.todo);
  }
  const std::size_t refusals = count_of(findings, Finding::Severity::Refuse);
  const std::size_t warnings = count_of(findings, Finding::Severity::Warn);
  if (!findings.empty()) out += "\n";
  return out + (refusals == 0
                    ? "nothing here would fail; " + core::count(warnings, "warning") + "\n"
                    : core::count(refusals, "thing") + " would fail; " +
                          core::count(warnings, "warning") + "\n");
}

}  // namespace rouse
