#include "proxy/authorise.hpp"

#include <algorithm>

namespace rouse {

namespace {

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned char differs = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    differs = static_cast<unsigned char>(
        differs | (static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i])));
  }
  return differs == 0;
}

bool is_key(const Config& config, std::string_view candidate) {
  bool found = false;
  for (const std::string& key : config.api_keys) {
    found = equal_in_constant_time(key, candidate) || found;
  }
  return found;
}

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

bool holds_key(const Config& config, std::string_view name, std::string_view value) {
  if (equal_without_case(name, "x-api-key")) return is_key(config, value);
  if (!equal_without_case(name, "authorization")) return false;
  if (const auto token = after_scheme(value, "bearer"); !token.empty()) {
    return is_key(config, token);
  }
  const auto basic = after_scheme(value, "basic");
  return !basic.empty() && is_key(config, basic_password(basic));
}

}  // namespace

bool is_authorised(const Config& config, const wire::Route& route, const RequestHead& request) {
  if (config.api_keys.empty() || !route.needs_key) return true;
  return std::any_of(request.fields.begin(), request.fields.end(),
                     [&](const auto& field) { return holds_key(config, field.name, field.value); });
}

bool holds_own_key(const Config& config, const Fields::Field& field) {
  return holds_key(config, field.name, field.value);
}

void remove_own_keys(const Config& config, Fields& fields) {
  if (config.api_keys.empty()) return;
  fields.erase_if(
      [&](const Fields::Field& field) { return holds_key(config, field.name, field.value); });
}

}  // namespace rouse
