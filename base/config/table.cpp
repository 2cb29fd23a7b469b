#include "base/config/table.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <string>

namespace rouse {

const ConfigKey* ConfigSection::find(std::string_view key) const {
  for (const ConfigKey& each : keys) {
    if (each.name == key) return &each;
  }
  return nullptr;
}

const ConfigSection* ConfigTable::find_section(std::string_view name) const {
  for (const ConfigSection& each : sections) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

const ConfigSection& ConfigTable::section(std::string_view name) const {
  const ConfigSection* const found = find_section(name);
  ROUSE_CHECK(found != nullptr);  // a table names only sections that it has
  return *found;
}

std::optional<bool> parse_truth(std::string_view text) {
  std::string word(text.substr(0, 6));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  for (const std::string_view yes : {"true", "yes", "on"}) {
    if (word == yes) return true;
  }
  for (const std::string_view no : {"false", "no", "off"}) {
    if (word == no) return false;
  }
  return std::nullopt;
}

}  // namespace rouse
