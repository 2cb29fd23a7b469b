#include "proxy/check/report.hpp"

#include "base/config/environment.hpp"
#include "base/text/duration_text.hpp"
#include "base/text/text_table.hpp"
#include "core/swap/describe.hpp"
#include "core/swap/groups.hpp"
#include "core/swap/matrix.hpp"
#include "proxy/check/report_parts.hpp"
#include "proxy/check/time_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse {

namespace {

constexpr std::size_t kNeighboursShown = 60;  // models; beyond, the table is no help

using SystemTime = std::chrono::system_clock::time_point;

template <class List>
std::string joined(const List& list) {
  return fmt::format("{}", fmt::join(list, ", "));
}

std::string models_part(const Config& config) {
  std::string out = models_headline(config) + "\n";
  if (config.models.empty()) return out;
  std::vector<TableRow> rows{{"model", "address", "at once", "unloads after", "also"}};
  for (const auto& [id, model] : config.models) {
    std::string also = joined(model.aliases);
    if (model.unlisted) also += also.empty() ? "(unlisted)" : " (unlisted)";
    rows.push_back({id, address_of(model), std::to_string(model.concurrency_limit),
                    model.ttl.count() > 0 ? duration_text(model.ttl) : "-", std::move(also)});
  }
  return out + text_table(rows);
}

std::string sets_part(const core::Matrix& matrix) {
  std::string out = "\nsets\n";
  for (const std::string& name : matrix.set_names()) {
    out += fmt::format("  {}\n", name);
    const core::Matrix::Expansion expansion = matrix.expand(name, kAlternativesShown);
    for (const core::ModelSet& alternative : expansion.alternatives) {
      out += fmt::format("    {}\n", fmt::join(alternative, " + "));
    }
    if (expansion.more) out += "    … and more\n";
  }
  out +=
      "  what evicts at the least cost is chosen; of equals what loads soonest, then what was not\n"
      "  used for longest, then the first\n";
  return out;
}

std::string groups_part(const core::Groups& groups) {
  if (groups.groups().empty()) return {};
  std::vector<TableRow> rows;
  for (const core::Group& group : groups.groups()) {
    rows.push_back({group.name,
                    fmt::format("{}{}{}", group.swap ? "one at a time" : "all at once",
                                group.exclusive ? "; stops other groups" : "",
                                group.persistent ? "; is not stopped by others" : ""),
                    joined(group.members)});
  }
  return "\ngroups\n" + text_table(rows);
}

std::string neighbours_part(const Config& config) {
  if (config.models.size() < 2 || config.models.size() > kNeighboursShown) return {};
  std::vector<TableRow> rows;
  for (const auto& [id, model] : config.models) {
    const std::vector<std::string> list = neighbours(config, id);
    rows.push_back({id, list.empty() ? "alone" : joined(list)});
  }
  return "\nwho can stand beside whom\n" + text_table(rows);
}

std::string peers_part(const Config& config) {
  if (config.peers.empty()) return {};
  std::vector<TableRow> rows{{"peer", "address", "models", "woken by"}};
  for (const auto& [name, peer] : in_order(config.peers)) {
    std::string models = joined(peer->models);
    if (peer->learns_models) models += models.empty() ? "what it lists" : ", and what it lists";
    std::vector<std::string> ways{"nobody: it never sleeps"};
    if (peer->wake) ways = wake_ways(*peer->wake);
    rows.push_back({name, address_of(*peer), std::move(models), ways.front()});
    for (std::size_t i = 1; i < ways.size(); ++i) rows.push_back({"", "", "", ways[i]});
  }
  return "\npeers\n" + text_table(rows);
}

std::string selectors_part(const Config& config) {
  if (config.selectors.empty()) return {};
  std::vector<TableRow> rows{{"selector", "strategy", "targets"}};
  for (const auto& [name, selector] : config.selectors) {
    std::string strategy(name_of(selector.strategy));
    if (selector.strategy == SelectorConfig::Strategy::Spillover) {
      strategy += fmt::format(" (above {} each)", selector.spillover);
    }
    rows.push_back({selector.unlisted ? name + " (unlisted)" : name, std::move(strategy),
                    joined(selector.targets)});
  }
  return "\nselectors\n" + text_table(rows);
}

std::string profiles_part(const Config& config) {
  if (config.profiles.empty()) return {};
  std::vector<TableRow> rows;
  for (const auto& [name, profile] : config.profiles) {
    std::vector<std::string> pins;
    for (const auto& [pin, target] : profile.pins) {
      pins.push_back(target.empty() ? pin + " is disabled" : pin + " -> " + target);
    }
    rows.push_back({name, joined(pins)});
  }
  return "\nprofiles\n" + text_table(rows);
}

std::string limits_text(const core::KeyLimits& limits) {
  std::vector<std::string> parts;
  if (limits.in_flight > 0) parts.push_back(fmt::format("{} at once", limits.in_flight));
  if (limits.requests_per_minute > 0) {
    parts.push_back(fmt::format("{} requests/min", limits.requests_per_minute));
  }
  if (limits.tokens_per_minute > 0) {
    parts.push_back(fmt::format("{} tokens/min", limits.tokens_per_minute));
  }
  return parts.empty() ? "-" : joined(parts);
}

std::string keys_part(const Config& config, SystemTime now) {
  if (config.keys.empty()) return {};
  std::vector<TableRow> rows{{"key", "may", "models", "limits", "until"}};
  for (const KeyConfig& key : config.keys) {
    std::vector<std::string_view> scopes;
    for (const Scope scope : key.scopes) scopes.push_back(name_of(scope));
    const std::string until = key.expires ? day_text(*key.expires) : std::string("-");
    rows.push_back({key.sha256.size() > 1
                        ? fmt::format("{} ({} of them)", key.name, key.sha256.size())
                        : key.name,
                    joined(scopes), joined(key.models), limits_text(key.limits),
                    key.has_expired(now) ? until + ", EXPIRED" : until});
  }
  return "\nkeys\n" + text_table(rows);
}

std::string power_part(const PowerConfig& power) {
  std::vector<TableRow> rows;
  if (!power.socket.empty()) rows.push_back({"socket", power.socket});
  if (power.has_guests) {
    std::vector<std::string> guests{"root", "rouse's own user", "rouse-suspendd"};
    guests.insert(guests.end(), power.users.begin(), power.users.end());
    for (const std::string& group : power.groups) guests.push_back("group " + group);
    rows.push_back({"who may use it", joined(guests)});
  }
  std::vector<std::string> loads = power.load;
  if (power.load_last) loads.emplace_back("what was loaded before it");
  if (!loads.empty()) rows.push_back({"loaded after a sleep", joined(loads)});
  return rows.empty() ? std::string() : "\npower\n" + text_table(rows);
}

std::string hooks_part(const Config& config) {
  if (config.preload.empty()) return {};
  return "\nhooks\n" + text_table({{"loaded at the start", joined(config.preload)}});
}

}  // namespace

std::string models_headline(const Config& config) {
  std::string out = core::count(config.models.size(), "model");
  if (config.peers.empty()) return out;
  std::size_t theirs = 0;
  std::vector<std::string> listing;
  for (const auto& [name, peer] : in_order(config.peers)) {
    theirs += peer->models.size();
    if (peer->learns_models) listing.push_back(name);
  }
  out += fmt::format(" here, {} at {}", theirs, core::count(config.peers.size(), "peer"));
  if (listing.empty()) return out;
  const bool some = listing.size() > 3;
  return out + (some ? fmt::format(", and what {} of them list", listing.size())
                     : fmt::format(", and what {} list{}", fmt::join(listing, " and "),
                                   listing.size() == 1 ? "s" : ""));
}

std::string check_report(const LoadedConfig& loaded, SystemTime now) {
  const Config& config = *loaded.config;
  std::string out = models_part(config);
  if (const auto* matrix = dynamic_cast<const core::Matrix*>(config.residency.get())) {
    out += sets_part(*matrix);
  } else if (const auto* groups = dynamic_cast<const core::Groups*>(config.residency.get())) {
    out += groups_part(*groups);
  }
  out += neighbours_part(config) + peers_part(config) + selectors_part(config) +
         profiles_part(config) + keys_part(config, now) + power_part(config.power) +
         hooks_part(config);
  if (!loaded.unsupported.empty()) {
    out += "\naccepted, but without effect in this version\n";
    for (const std::string& path : loaded.unsupported) out += "  " + path + "\n";
  }
  return out;
}

}  // namespace rouse
