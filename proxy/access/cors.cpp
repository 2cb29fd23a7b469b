#include "proxy/access/cors.hpp"

#include "base/http/message.hpp"
#include "base/service/log.hpp"
#include "base/text/ascii.hpp"
#include "proxy/access/credentials.hpp"
#include "proxy/access/rights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

namespace rouse {

namespace {

constexpr std::string_view kMethods = "GET, POST, PUT, PATCH, DELETE, OPTIONS";
constexpr std::string_view kHeaders = "Content-Type, Authorization, Accept, X-Requested-With";
constexpr std::array<std::string_view, 6> kAnswerFields = {
    "access-control-allow-origin",  "access-control-allow-credentials",
    "access-control-allow-methods", "access-control-allow-headers",
    "access-control-max-age",       "access-control-expose-headers"};

/// The tokens of what a preflight asks for, in its words.
std::string wanted_headers(const Fields& fields) {
  std::string out;
  for (const Fields::Field& field : fields) {
    if (!equal_without_case(field.name, "access-control-request-headers")) continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const std::size_t comma = std::min(rest.find(','), rest.size());
      std::string_view token = rest.substr(0, comma);
      rest.remove_prefix(std::min(comma + 1, rest.size()));
      while (token.starts_with(' ') || token.starts_with('\t')) token.remove_prefix(1);
      while (token.ends_with(' ') || token.ends_with('\t')) token.remove_suffix(1);
      if (!is_token(token)) continue;
      out += (out.empty() ? "" : ", ");
      out += token;
    }
  }
  return out;
}

bool is_listed(const Config& config, std::string_view origin) {
  const auto& list = *config.cors_origins;
  return std::find(list.begin(), list.end(), to_lower(origin)) != list.end();
}

bool lets_all(const Config& config) {
  return is_listed(config, "*");
}

/// host:port without a port that the scheme implies.
std::string without_default_port(std::string authority, std::string_view scheme) {
  const std::string_view port = scheme == "https" ? ":443" : ":80";
  if (authority.ends_with(port)) authority.resize(authority.size() - port.size());
  return authority;
}

/// Whether a page of @p origin came from where it sends to. Who ends TLS in front of us hides the
/// scheme, so it does not count.
bool is_own_origin(std::string_view origin, const Fields& fields) {
  const auto host = fields.find("host");
  const std::size_t end = origin.find("://");
  if (!host || end == std::string_view::npos) return false;
  const std::string scheme = to_lower(origin.substr(0, end));
  if (scheme != "http" && scheme != "https") return false;
  return without_default_port(to_lower(origin.substr(end + 3)), scheme) ==
         without_default_port(to_lower(*host), scheme);
}

bool is_trusted(const Config& config, std::string_view origin, bool by_name) {
  if (!config.cors_origins) return false;
  return is_listed(config, origin) || (!by_name && lets_all(config));
}

/// The origin that sent @p request, when that is a page that may not. @p by_name: "*" does not
/// count.
std::optional<std::string> foreign_origin(const Config& config, const RequestHead& request,
                                          bool by_name) {
  const std::string site = to_lower(request.fields.find("sec-fetch-site").value_or(""));
  // A page can forge none of these: browsers fill them in. A proxy that rewrites Host leaves this.
  if (site == "same-origin") return std::nullopt;
  bool has_origin = false;
  for (const Fields::Field& field : request.fields) {
    if (!equal_without_case(field.name, "origin")) continue;
    has_origin = true;
    if (is_own_origin(field.value, request.fields)) continue;
    if (!is_trusted(config, field.value, by_name)) return field.value;
  }
  const bool hides_origin = !has_origin && (site == "cross-site" || site == "same-site");
  if (hides_origin && !is_trusted(config, "?", by_name)) return "another site";
  return std::nullopt;
}

/// A GET that changes something is sent by an <img> or a link of any page, and over plain HTTP with
/// nothing that says so. What tells it from a program is that it comes of a browser, and has no key
/// that a program has put there.
bool is_bare_get_of_browser(const RequestHead& request) {
  const Fields& fields = request.fields;
  const bool says_where = fields.contains("sec-fetch-site") || fields.contains("origin");
  if (request.method != "GET" || says_where) return false;
  if (!to_lower(fields.find("user-agent").value_or("")).starts_with("mozilla/")) return false;
  const auto referer = fields.find("referer").value_or("");
  const std::size_t host = referer.find("://");
  const bool is_own = host != std::string_view::npos &&
                      is_own_origin(referer.substr(0, referer.find('/', host + 3)), fields);
  return !is_own && std::none_of(fields.begin(), fields.end(), is_sent_by_hand);
}

/// A link that was followed, or an address that was typed.
bool is_navigation(const RequestHead& request) {
  return (request.method == "GET" || request.method == "HEAD") &&
         to_lower(request.fields.find("sec-fetch-mode").value_or("")) == "navigate" &&
         to_lower(request.fields.find("sec-fetch-dest").value_or("")) == "document";
}

/// What a page may not do to others even where no list says whose pages may: open a WebSocket,
/// which every page can read, and send along a password that the browser remembers.
bool is_readable_or_keyed(const RequestHead& request) {
  const auto credentials = request.fields.find("authorization");
  return request.fields.contains("upgrade") ||
         (credentials && to_lower(*credentials).starts_with("basic "));
}

void add_vary(Fields& fields, std::string_view name) {
  if (!fields.has_token("vary", name) && !fields.has_token("vary", "*")) fields.add("vary", name);
}

std::string names_of(const Fields& fields) {
  std::set<std::string> names;
  for (const Fields::Field& field : fields) names.insert(to_lower(field.name));
  return fmt::format("{}", fmt::join(names, ", "));
}

bool is_listing(const RequestHead& request) {
  return request.path() == "/v1/models" || request.path() == "/models" ||
         request.path() == "/api/tags";
}

}  // namespace

ResponseHead preflight_head(const Config& config, const RequestHead& request) {
  ResponseHead head = own_head(204, "");
  head.framing = Framing::None;
  head.keep_alive = request.keep_alive && request.framing == Framing::None;
  const std::optional<std::string_view> origin = request.fields.find("origin");
  std::string_view allowed = "*";
  if (config.cors_origins && !lets_all(config)) {
    add_vary(head.fields, "Origin");
    if (!origin || !is_listed(config, *origin)) return head;
    allowed = *origin;
  }
  const std::string wanted = wanted_headers(request.fields);
  head.fields.add("access-control-allow-origin", allowed);
  head.fields.add("access-control-allow-methods", kMethods);
  head.fields.add("access-control-allow-headers", wanted.empty() ? kHeaders : wanted);
  if (config.cors_credentials) head.fields.add("access-control-allow-credentials", "true");
  head.fields.add("access-control-max-age", "86400");
  add_vary(head.fields, "Access-Control-Request-Headers");
  return head;
}

std::optional<Failure> origin_fault(const Config& config, const wire::Route& route,
                                    const RequestHead& request) {
  const Right::Pages pages = right_of(route).pages;
  const bool controls = pages == Right::Pages::ByName;
  const bool is_bound = config.cors_origins || is_readable_or_keyed(request);
  if (pages == Right::Pages::Any || (!controls && !is_bound)) return std::nullopt;
  if (!controls && is_navigation(request)) return std::nullopt;
  if (controls && is_bare_get_of_browser(request)) {
    return failure(
        403,
        "a browser may do this from a page of this proxy only; programs such as curl may, "
        "and POST /api/models/unload does the same",
        "origin_forbidden");
  }
  const auto origin = foreign_origin(config, request, controls);
  if (!origin) return std::nullopt;
  return failure(403,
                 fmt::format("web pages of {} may not do this; cors.origins lists those that may",
                             for_log(*origin, 100)),
                 "origin_forbidden");
}

bool has_trusted_origin(const Config& config, const RequestHead& request) {
  return !foreign_origin(config, request, false);
}

void add_cors(const Config& config, const wire::Route* route, const RequestHead& request,
              ResponseHead& head) {
  const std::optional<std::string_view> origin = request.fields.find("origin");
  if (!config.cors_origins) {
    const bool tells_models = route != nullptr && is_listing(request);
    if (!tells_models) return;
    if (origin) head.fields.set("access-control-allow-origin", *origin);
    return add_vary(head.fields, "Origin");
  }
  for (const std::string_view name : kAnswerFields) head.fields.erase(name);
  const bool to_all = lets_all(config);
  if (!to_all) add_vary(head.fields, "Origin");
  if (!origin || (!to_all && !is_listed(config, *origin))) return;
  std::string exposed = "*";
  if (config.cors_credentials) {
    exposed = names_of(head.fields);  // a star means nothing then
    head.fields.add("access-control-allow-credentials", "true");
  }
  head.fields.add("access-control-allow-origin", to_all ? "*" : *origin);
  head.fields.add("access-control-expose-headers", exposed);
}

}  // namespace rouse
