#include "proxy/access/credentials.hpp"

#include "base/text/ascii.hpp"
#include "proxy/wire/query.hpp"

#include <algorithm>
#include <array>

namespace rouse {

namespace {

/// The text after the scheme, or nothing when @p value has another scheme.
std::string_view after_scheme(std::string_view value, std::string_view scheme) {
  if (value.size() <= scheme.size() || value[scheme.size()] != ' ') return {};
  if (!equal_without_case(value.substr(0, scheme.size()), scheme)) return {};
  value.remove_prefix(scheme.size() + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  return value;
}

/// The password of Basic credentials: the text after the first colon.
std::string basic_password(std::string_view encoded) {
  while (encoded.ends_with('=')) encoded.remove_suffix(1);
  std::string decoded;
  unsigned bits = 0;
  int held = 0;
  for (const char c : encoded) {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return {};
    bits = (bits << 6) | static_cast<unsigned>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    decoded += static_cast<char>((bits >> held) & 0xff);
  }
  const std::size_t colon = decoded.find(':');
  return colon == std::string::npos ? std::string() : decoded.substr(colon + 1);
}

/// Of fields that people and SDKs put keys into; other fields are not worth a hash.
bool may_hold_keys(std::string_view field) {
  static constexpr std::array<std::string_view, 7> kWords{"auth",   "key",     "token",   "secret",
                                                          "cookie", "referer", "password"};
  const std::string name = to_lower(field);
  return std::any_of(kWords.begin(), kWords.end(), [&name](std::string_view word) {
    return name.find(word) != std::string::npos;
  });
}

/// What stands between @p ends in @p text, as it is and decoded; and behind each first =.
void add_parts(std::string_view text, std::string_view ends, std::vector<std::string>& found) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(ends), text.size());
    const std::string_view part = trim(text.substr(0, end));
    const std::string_view value = part.substr(std::min(part.find('=') + 1, part.size()));
    for (const std::string_view each : {part, value}) {
      if (each.empty()) continue;
      found.emplace_back(each);
      found.push_back(wire::form_decode(each));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

std::vector<std::string> possible_keys(const Fields::Field& field) {
  std::vector<std::string> found;
  if (!may_hold_keys(field.name)) return found;
  found.emplace_back(trim(field.value));
  const std::size_t blank = field.value.find(' ');
  if (blank != std::string::npos) {
    found.emplace_back(trim(std::string_view(field.value).substr(blank)));
    found.push_back(basic_password(after_scheme(field.value, "basic")));
  }
  if (equal_without_case(field.name, "referer")) {
    add_parts(field.value, "?&#;", found);
    add_parts(field.value, "/?&#;", found);
  } else {
    add_parts(field.value, ";,&", found);
  }
  return found;
}

std::string credential_in(const Fields::Field& field) {
  if (equal_without_case(field.name, "x-api-key")) return field.value;
  if (!equal_without_case(field.name, "authorization")) return {};
  if (const auto token = after_scheme(field.value, "bearer"); !token.empty()) {
    return std::string(token);
  }
  return basic_password(after_scheme(field.value, "basic"));
}

bool is_sent_by_hand(const Fields::Field& field) {
  if (equal_without_case(field.name, "x-api-key")) return !field.value.empty();
  return equal_without_case(field.name, "authorization") &&
         !after_scheme(field.value, "bearer").empty();
}

const KeyConfig* find_key(const std::vector<KeyConfig>& keys, std::string_view credential) {
  if (credential.empty()) return nullptr;
  const Sha256 digest = sha256(credential);
  const KeyConfig* found = nullptr;
  for (const KeyConfig& key : keys) {
    for (const Sha256& each : key.sha256) {
      if (equal_in_constant_time(each, digest)) found = &key;
    }
  }
  return found;
}

}  // namespace rouse
