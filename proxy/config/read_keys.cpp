#include "base/text/rfc3339.hpp"
#include "proxy/config/reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rouse {

namespace {

constexpr std::string_view kApiKeys = "apiKeys";
constexpr std::size_t kKeyNameMax = 64;

void read_api_keys(const Section& top, Config& config) {
  config.api_keys = top.texts(kApiKeys);
  for (const ListItem& key : top.items(kApiKeys)) {
    if (key.text.empty()) top.fault_at(key, "empty api key found in apiKeys");
    if (key.text.find(' ') != std::string::npos) {
      top.fault_at(key, "api key cannot contain spaces");
    }
  }
  if (config.api_keys.empty()) return;
  KeyConfig key;
  key.name = kApiKeys;
  for (const std::string& text : config.api_keys) key.sha256.push_back(sha256(text));
  key.scopes = {Scope::Infer, Scope::Observe, Scope::Control, Scope::Wake, Scope::Captures};
  config.keys.push_back(std::move(key));
}

/// Who has @p digest already; nullptr: nobody.
const std::string* owner_of(const Sha256& digest, const Config& config, const KeyConfig& mine) {
  const auto has = [&](const KeyConfig& key) {
    return std::find(key.sha256.begin(), key.sha256.end(), digest) != key.sha256.end();
  };
  if (has(mine)) return &mine.name;
  const auto other = std::find_if(config.keys.begin(), config.keys.end(), has);
  return other == config.keys.end() ? nullptr : &other->name;
}

void add_digest(const ListItem& item, const Section& section, const Config& config,
                KeyConfig& key) {
  const std::optional<Sha256> digest = parse_sha256(item.text);
  if (!digest) {
    return section.fault_at(
        item, fmt::format("expected 64 hex digits, the SHA-256 of a key and not the key itself; "
                          "got {} characters (rouse key {} makes both)",
                          item.text.size(), key.name));
  }
  if (*digest == sha256("")) {
    return section.fault_at(item, "this is the SHA-256 of nothing: was a variable empty?");
  }
  if (const std::string* const owner = owner_of(*digest, config, key)) {
    const bool own = *owner == key.name;
    section.fault_at(item, own ? std::string("this key is there twice")
                               : fmt::format("{} has the same key", *owner));
  }
  key.sha256.push_back(*digest);
}

void read_digests(const Section& section, const Config& config, KeyConfig& key) {
  const YamlNode* const node = section.node("sha256");
  if (node == nullptr || (node->is_list() && node->items.empty())) {
    return section.fault("sha256", fmt::format("is missing: the SHA-256 of the key in hex (rouse "
                                               "key {} makes a key)",
                                               key.name));
  }
  for (const ListItem& item : section.items("sha256")) add_digest(item, section, config, key);
}

void read_scopes(const Section& section, KeyConfig& key) {
  if (!section.is_given("scopes")) return;
  key.scopes.clear();
  for (const std::string& text : section.texts("scopes")) {
    if (text == "infer") key.scopes.insert(Scope::Infer);
    if (text == "observe") key.scopes.insert(Scope::Observe);
    if (text == "control") key.scopes.insert(Scope::Control);
    if (text == "wake") key.scopes.insert(Scope::Wake);
    if (text == "list") key.scopes.insert(Scope::List);
    if (text == "captures") key.scopes.insert(Scope::Captures);
  }
  const YamlNode* const node = section.node("scopes");
  if (node->is_list() && section.texts("scopes").empty()) {
    section.fault("scopes",
                  "a key without a scope is good for nothing: leave the line out for "
                  "infer and observe, or the key");
  }
}

/// Whether @p glob is for anything that this configuration has.
bool fits_something(const AliasPattern& glob, const Config& config) {
  const auto fits = [&](const auto& entry) { return glob.matches(entry.first); };
  const auto any = [&](const auto& map) { return std::any_of(map.begin(), map.end(), fits); };
  if (any(config.models) || any(config.peer_models) || any(config.aliases) || any(config.selectors))
    return true;
  for (const AliasPattern& alias : config.alias_patterns) {
    if (glob.matches(alias.pattern)) return true;
  }
  for (const auto& [name, profile] : config.profiles) {
    if (any(profile.pins)) return true;
  }
  for (const auto& [name, peer] : config.peers) {
    for (const std::string& model : peer.models) {
      if (glob.matches(model) || glob.matches(name + "/" + model)) return true;
    }
  }
  return false;
}

void read_globs(const Section& section, const Config& config, KeyConfig& key) {
  const YamlNode* const node = section.node("models");
  if (node == nullptr || !node->is_list()) return;
  key.models = section.texts("models");
  if (key.models.empty()) {
    section.fault("models", "an empty list allows no model: leave the line out for all of them");
  }
  for (const ListItem& item : section.items("models")) {
    if (trimmed(item.text).empty()) {
      section.fault_at(item, "an empty text fits no model; * stands for any text");
    } else if (item.text != "*" && !fits_something({item.text, ""}, config)) {
      section.warn_at(item.place, item.key,
                      fmt::format("nothing here has a name like \"{}\"", item.text));
    }
  }
}

void read_expiry(const Section& section, KeyConfig& key) {
  if (!section.is_given("expires")) return;
  const std::string text = section.text("expires");
  constexpr std::size_t kDateSize = 10;
  key.expires = parse_rfc3339(text.size() == kDateSize ? text + "T00:00:00Z" : text);
  if (!key.expires) {
    section.fault("expires", fmt::format("\"{}\" is no date such as 2027-06-30, nor a time such as "
                                         "2027-06-30T18:00:00Z",
                                         text));
  }
}

/// The origin as browsers send it, in lower case and without its default port; empty: it is none.
std::string origin_of(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  const std::size_t scheme = text.find("://");
  if (scheme == 0 || scheme == std::string::npos) return {};
  const std::string_view host = std::string_view(text).substr(scheme + 3);
  if (host.empty() || host.find_first_of("/?#@* \t") != std::string_view::npos) return {};
  if (text.starts_with("http://") && text.ends_with(":80")) text.resize(text.size() - 3);
  if (text.starts_with("https://") && text.ends_with(":443")) text.resize(text.size() - 4);
  return text;
}

void read_origins(const Section& section, std::string_view key, Config& config) {
  if (!section.is_given(key)) return;
  config.cors_origins.emplace();
  for (const ListItem& item : section.items(key)) {
    const std::string origin = item.text == "*" ? item.text : origin_of(item.text);
    if (origin.empty()) {
      section.fault_at(item,
                       fmt::format("\"{}\" is no origin: scheme://host or scheme://host:port, "
                                   "nothing after it, or * alone",
                                   item.text));
    }
    config.cors_origins->push_back(origin);
  }
}

/// The glob of a name as a Host field has it, in lower case and without its port; empty: it is
/// none.
std::string host_glob_of(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
  if (text.ends_with('.')) text.pop_back();
  const bool is_name = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_' ||
           c == '*';
  });
  return is_name ? text : std::string();
}

}  // namespace

bool is_key_name(std::string_view name) {
  return !name.empty() && name.size() <= kKeyNameMax && name != kApiKeys &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

void read_keys(const Section& top, Config& config) {
  read_api_keys(top, config);
  top.each("keys", [&](const YamlNode::Member& member, const Section& section) {
    KeyConfig key;
    key.name = member.key;
    const std::string path = "keys." + member.key;
    if (member.key == kApiKeys) {
      top.fault_at(member.place, path, "this is the name of the keys in apiKeys");
    } else if (!is_key_name(member.key)) {
      top.fault_at(member.place, path,
                   "the name of a key has letters, digits, . _ and -, 64 at most: it is for logs "
                   "and metrics, not the key itself");
      key.name = "NAME";  // whatever it is, further messages need not repeat it
    }
    read_digests(section, config, key);
    read_scopes(section, key);
    read_globs(section, config, key);
    key.limits.in_flight = section.number("maxInFlight", 0);
    key.limits.requests_per_minute = section.number("requestsPerMinute", 0);
    key.limits.tokens_per_minute = section.number("tokensPerMinute", 0);
    read_expiry(section, key);
    config.keys.push_back(std::move(key));
  });
}

void read_hosts(const Section& top, Config& config) {
  for (const ListItem& item : top.items("hosts")) {
    std::string glob = host_glob_of(trimmed(item.text));
    if (glob.empty()) {
      top.fault_at(item,
                   fmt::format("\"{}\" is no name of a host: rouse.example.net or *.example.net, "
                               "without http:// and without a port",
                               item.text));
    }
    config.hosts.push_back(std::move(glob));
  }
}

void read_cors(const Section& top, Config& config) {
  const Section ours = top.section("cors");
  const Section theirs = top.section("security").section("cors");
  if (ours.is_given("origins") && theirs.is_given("allowedOrigins")) {
    theirs.fault("allowedOrigins", "cors.origins says it, too: keep one of them");
  }
  read_origins(ours, "origins", config);
  read_origins(theirs, "allowedOrigins", config);
  config.cors_credentials = theirs.truth("allowCredentials", false);
  const auto is_star = [](const std::string& origin) { return origin == "*"; };
  const bool has_names = config.cors_origins && std::none_of(config.cors_origins->begin(),
                                                             config.cors_origins->end(), is_star);
  if (config.cors_credentials && !has_names) {
    config.cors_credentials = false;
    theirs.warn("allowCredentials",
                "has no effect: it is only for origins that are listed by their names");
  }
}

}  // namespace rouse
