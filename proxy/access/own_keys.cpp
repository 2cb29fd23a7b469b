#include "proxy/access/own_keys.hpp"

#include "base/text/ascii.hpp"
#include "proxy/access/credentials.hpp"
#include "proxy/wire/query.hpp"

#include <algorithm>

namespace rouse {

namespace {

constexpr std::string_view kOwnFields = "x-rouse-";

/// The cookies of @p list that are no key of ours.
std::string other_cookies(const Config& config, std::string_view list) {
  std::string kept;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(';'), list.size());
    const std::string_view cookie = trim(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (cookie.empty() || holds_own_key(config, {"cookie", std::string(cookie)})) continue;
    kept += (kept.empty() ? "" : "; ");
    kept += cookie;
  }
  return kept;
}

}  // namespace

bool holds_own_key(const Config& config, const Fields::Field& field) {
  if (config.keys.empty()) return false;
  const std::vector<std::string> texts = possible_keys(field);
  return std::any_of(texts.begin(), texts.end(), [&config](const std::string& text) {
    return find_key(config.keys, text) != nullptr;
  });
}

void remove_own_keys(const Config& config, Fields& fields) {
  if (config.keys.empty()) return;
  std::string cookies;
  fields.erase_if([&](const Fields::Field& field) {
    if (!holds_own_key(config, field)) return false;
    if (equal_without_case(field.name, "cookie")) cookies += "; " + field.value;
    return true;
  });
  cookies = other_cookies(config, cookies);
  if (!cookies.empty()) fields.add("cookie", cookies);
}

std::string without_own_keys(const Config& config, std::string_view target) {
  const std::size_t mark = target.find('?');
  if (config.keys.empty() || mark == std::string_view::npos) return std::string(target);
  std::string kept(target.substr(0, mark));
  bool is_changed = false;
  char between = '?';
  for (std::string_view rest = target.substr(mark + 1); !rest.empty();) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const std::string_view value = pair.substr(std::min(pair.find('=') + 1, pair.size()));
    // Whatever the parameter is called: it may be a cookie's form, a bearer's, or the key alone.
    if (holds_own_key(config, {"authorization", wire::form_decode(value)})) {
      is_changed = true;
      continue;
    }
    kept += between;
    kept += pair;
    between = '&';
  }
  return is_changed ? kept : std::string(target);
}

void remove_own_fields(Fields& fields) {
  fields.erase_if(
      [](const Fields::Field& field) { return to_lower(field.name).starts_with(kOwnFields); });
}

}  // namespace rouse
