#include "base/text/did_you_mean.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace rouse {

namespace {

constexpr std::size_t kStartMin = 4;  // letters that are enough of a longer name

/// How many letters must be inserted, removed, changed or swapped with the next one to turn one
/// word into the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);  // the row before the last one
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = last[j] + (a[i] == b[j] ? 0 : 1);
      row[j + 1] = std::min({replaced, row[j] + 1, last[j + 1] + 1});
      const bool is_swap = i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j];
      if (is_swap) row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last.back();
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  std::erase(out, '_');
  std::erase(out, '-');
  return out;
}

}  // namespace

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names) {
  const std::string wanted = lowered(name);
  std::string best;
  // A third of the letters may be wrong, and one may always be.
  std::size_t best_distance = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  for (const std::string& candidate : names) {
    const std::size_t apart = distance(wanted, lowered(candidate));
    if (apart < best_distance && apart < candidate.size()) {
      best = candidate;
      best_distance = apart;
    }
  }
  if (!best.empty() || wanted.size() < kStartMin) return best;
  const auto longer = std::find_if(names.begin(), names.end(), [&](const std::string& each) {
    return lowered(each).starts_with(wanted);
  });
  return longer == names.end() ? best : *longer;
}

}  // namespace rouse
