#include "proxy/access/host_rule.hpp"

#include "base/service/log.hpp"
#include "proxy/access/credentials.hpp"
#include "proxy/access/rights.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse {

namespace {

bool is_in_hosts(const Config& config, std::string_view name) {
  return std::any_of(config.hosts.begin(), config.hosts.end(), [&](const std::string& glob) {
    return AliasPattern{glob, {}}.matches(name);
  });
}

/// Whether it carries a key in a field that no browser fills in by itself, and whether that is one.
struct SentKey {
  bool is_there = false;
  bool is_good = false;
};

SentKey sent_key(const Config& config, const Fields& fields) {
  SentKey sent;
  for (const Fields::Field& field : fields) {
    if (!is_sent_by_hand(field)) continue;
    sent.is_there = true;
    sent.is_good = sent.is_good || find_key(config.keys, credential_in(field)) != nullptr;
  }
  return sent;
}

}  // namespace

std::optional<Failure> host_fault(const Config& config, const OwnNames& own,
                                  const wire::Route* route, const RequestHead& request) {
  // Without the field: HTTP/1.0, which no browser speaks.
  const std::string_view host = request.fields.find("host").value_or("");
  if ((route != nullptr && route->is_health()) || is_own_host(host, own) ||
      is_in_hosts(config, name_in_host(host))) {
    return std::nullopt;
  }
  if (!config.keys.empty()) {
    const SentKey key = sent_key(config, request.fields);
    // A wrong one is told so where keys are judged.
    const bool is_judged = key.is_there && route != nullptr && right_of(*route).scope;
    if (key.is_good || is_judged) return std::nullopt;
  }
  std::string text = fmt::format(
      "this rouse is not known as {}: if that is a name of yours for it, add it to hosts: in its "
      "configuration",
      for_log(name_in_host(host), 100));
  if (!config.keys.empty()) text += ", or send a key (Authorization: Bearer KEY)";
  return failure(421, std::move(text), "host_unknown");
}

}  // namespace rouse
