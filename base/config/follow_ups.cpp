#include "base/config/follow_ups.hpp"

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace rouse {

namespace {

std::set<std::string, std::less<>> faulty_paths(const std::vector<Problem>& problems) {
  std::set<std::string, std::less<>> paths;
  for (const Problem& problem : problems) {
    const bool is_error = problem.severity == Problem::Severity::Error;
    if (is_error && !problem.path.empty()) paths.insert(problem.path);
  }
  return paths;
}

bool is_below(std::string_view path, const std::set<std::string, std::less<>>& above) {
  for (std::size_t i = 0; i < path.size(); ++i) {
    const bool is_end = path[i] == '.' || path[i] == '[';
    if (is_end && above.contains(path.substr(0, i))) return true;
  }
  return false;
}

}  // namespace

void drop_below(const std::vector<Problem>& faults, std::vector<Problem>& list) {
  const std::set<std::string, std::less<>> told = faulty_paths(faults);
  std::erase_if(list, [&](const Problem& each) { return is_below(each.path, told); });
}

void add_independent(std::vector<Problem>& problems, std::vector<Problem> later) {
  const std::set<std::string, std::less<>> told = faulty_paths(problems);
  for (Problem& problem : later) {
    const bool follows = told.contains(problem.path) || is_below(problem.path, told);
    if (!follows) problems.push_back(std::move(problem));
  }
}

}  // namespace rouse
