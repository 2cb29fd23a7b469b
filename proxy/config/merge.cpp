#include "proxy/config/merge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace rouse {

namespace {

/// Mappings whose direct entries belong to one file each.
constexpr std::array<std::string_view, 9> kOwned = {"models",
                                                    "keys",
                                                    "groups",
                                                    "profiles",
                                                    "selectors",
                                                    "peers",
                                                    "matrix",
                                                    "routing.router.settings.groups",
                                                    "routing.router.settings.matrix"};

void conflict(const YamlNode& into, const YamlNode& more, const std::string& path,
              std::vector<Problem>& problems, std::string text) {
  text += fmt::format(" (already in {}:{})", into.place.file, into.place.line);
  problems.push_back({Problem::Severity::Error, more.place, path, std::move(text)});
}

void merge(YamlNode& into, YamlNode more, const std::string& path, std::vector<Problem>& problems) {
  if (more.is_null()) return;
  if (into.is_null()) {
    into = std::move(more);
    return;
  }
  if (into.kind != more.kind) {
    return conflict(into, more, path, problems,
                    fmt::format("{} here, {} there", more.kind_name(), into.kind_name()));
  }
  if (into.is_scalar()) {
    if (into.text == more.text && into.quoted == more.quoted) return;
    return conflict(into, more, path, problems, "another value was given");
  }
  if (into.is_list()) {
    std::move(more.items.begin(), more.items.end(), std::back_inserter(into.items));
    return;
  }
  const bool owned = std::find(kOwned.begin(), kOwned.end(), path) != kOwned.end();
  for (YamlNode::Member& member : more.members) {
    const std::string below = path.empty() ? member.key : path + "." + member.key;
    YamlNode* mine = into.find(member.key);
    if (mine == nullptr) {
      into.members.push_back(std::move(member));
    } else if (owned) {
      conflict(*mine, member.value, below, problems,
               fmt::format("duplicate {} \"{}\"", path, member.key));
    } else {
      merge(*mine, std::move(member.value), below, problems);
    }
  }
}

}  // namespace

void merge_config(YamlNode& into, YamlNode more, std::vector<Problem>& problems) {
  merge(into, std::move(more), "", problems);
}

}  // namespace rouse
