#include "base/config/tell_problems.hpp"

#include "base/service/log.hpp"

#include <fmt/format.h>

namespace rouse {

void tell_problems(const std::vector<Problem>& problems) {
  for (const Problem& problem : problems) {
    const bool is_error = problem.severity == Problem::Severity::Error;
    write_stderr_line(is_error ? LinePriority::Error : LinePriority::Warning, problem.str());
  }
}

std::string first_error(const std::vector<Problem>& problems) {
  const Problem* first = nullptr;
  std::size_t errors = 0;
  for (const Problem& problem : problems) {
    if (problem.severity != Problem::Severity::Error) continue;
    if (errors++ == 0) first = &problem;
  }
  if (first == nullptr) return {};
  if (errors == 1) return first->str();
  return fmt::format("{} (and {} more)", first->str(), errors - 1);
}

}  // namespace rouse
