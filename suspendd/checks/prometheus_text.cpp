#include "suspendd/checks/prometheus_text.hpp"

#include "suspendd/checks/proc_text.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>

namespace rouse::suspendd {
namespace {

/// The end of the labels that begin at @p text[0], after their brace; npos: they have none. A label
/// may hold braces, and quotes behind a backslash.
std::size_t labels_end(std::string_view text) {
  bool in_quotes = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (in_quotes && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      in_quotes = !in_quotes;
    } else if (text[i] == '}' && !in_quotes) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

/// from_chars knows inf and nan in any case, but no '+'.
std::optional<double> sample_value(std::string_view word) {
  if (word.starts_with('+')) word.remove_prefix(1);
  double value = 0;
  const char* const end = word.data() + word.size();
  const auto [last, error] = std::from_chars(word.data(), end, value);
  if (word.empty() || last != end) return std::nullopt;
  // Too large or too small, of either sign.
  if (error == std::errc::result_out_of_range)
    return std::strtod(std::string(word).c_str(), nullptr);
  if (error != std::errc()) return std::nullopt;
  return value;
}

}  // namespace

std::vector<MetricSum> sum_metrics(std::string_view exposition,
                                   const std::vector<std::string>& names) {
  std::vector<MetricSum> sums;
  for (const std::string& name : names) sums.push_back(MetricSum{name, 0, 0});
  while (!exposition.empty()) {
    std::string_view line = next_line(exposition);
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t start = std::min(line.find_first_not_of(" \t"), line.size());
    line.remove_prefix(start);
    const std::size_t name_end = std::min(line.find_first_of("{ \t"), line.size());
    const std::string_view name = line.substr(0, name_end);
    const auto it = std::find_if(sums.begin(), sums.end(),
                                 [name](const MetricSum& each) { return each.name == name; });
    if (it == sums.end()) continue;
    std::string_view rest = line.substr(name_end);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    if (rest.starts_with('{')) {
      const std::size_t end = labels_end(rest);
      if (end == std::string_view::npos) continue;
      rest.remove_prefix(end);
    }
    const auto value = sample_value(next_word(rest));
    if (!value) continue;
    it->sum += *value;
    ++it->series;
  }
  return sums;
}

}  // namespace rouse::suspendd
