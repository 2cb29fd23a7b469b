#include "base/http/message.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace rouse {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// Calls @p use with each element of the comma-separated @p list that is not empty, until it
/// returns true; whether it did.
template <class Use>
bool any_element(std::string_view list, Use use) {
  while (true) {
    const auto comma = list.find(',');
    const std::string_view element = trim_ows(list.substr(0, comma));
    if (!element.empty() && use(element)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

constexpr std::array<std::string_view, 10> kHopByHop = {"Connection",
                                                        "Keep-Alive",
                                                        "Proxy-Connection",
                                                        "Proxy-Authenticate",
                                                        "Proxy-Authorization",
                                                        "TE",
                                                        "Trailer",
                                                        "Transfer-Encoding",
                                                        "Upgrade",
                                                        "Content-Length"};

struct Reason {
  int status;
  std::string_view phrase;
};
constexpr std::array<Reason, 51> kReasons = {{
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
}};

/// The origin-form part of @p target: what follows scheme and authority of an absolute-form.
std::string_view origin_form(std::string_view target) {
  if (target.empty() || target[0] == '/' || target[0] == '*') return target;
  const auto scheme = target.find("://");
  if (scheme == std::string_view::npos) return target;
  const auto path = target.find_first_of("/?", scheme + 3);
  if (path == std::string_view::npos) return "/";
  return target.substr(path);
}

}  // namespace

bool equal_without_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

void Fields::add(std::string_view name, std::string_view value) {
  if (fields_.empty()) fields_.reserve(16);
  fields_.push_back(Field{std::string(name), std::string(value)});
}

void Fields::set(std::string_view name, std::string_view value) {
  const auto same = [name](const Field& field) { return equal_without_case(field.name, name); };
  const auto first = std::find_if(fields_.begin(), fields_.end(), same);
  if (first == fields_.end()) {
    add(name, value);
    return;
  }
  first->value = value;
  fields_.erase(std::remove_if(std::next(first), fields_.end(), same), fields_.end());
}

void Fields::erase(std::string_view name) {
  erase_if([name](const Field& field) { return equal_without_case(field.name, name); });
}

std::optional<std::string_view> Fields::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (equal_without_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

bool Fields::has_token(std::string_view name, std::string_view token) const {
  const auto same = [token](std::string_view element) {
    return equal_without_case(element, token);
  };
  for (const Field& field : fields_) {
    if (equal_without_case(field.name, name) && any_element(field.value, same)) return true;
  }
  return false;
}

std::string_view RequestHead::path() const {
  const std::string_view form = origin_form(target);
  const std::string_view path = form.substr(0, form.find('?'));
  return path.empty() ? std::string_view("/") : path;
}

std::string_view RequestHead::query() const {
  const std::string_view form = origin_form(target);
  const auto mark = form.find('?');
  return mark == std::string_view::npos ? std::string_view() : form.substr(mark + 1);
}

void remove_hop_by_hop(Fields& fields) {
  std::vector<std::string> named;
  for (const Fields::Field& field : fields) {
    if (!equal_without_case(field.name, "Connection")) continue;
    any_element(field.value, [&named](std::string_view element) {
      named.emplace_back(element);
      return false;
    });
  }
  fields.erase_if([&named](const Fields::Field& field) {
    const auto same = [&field](std::string_view name) {
      return equal_without_case(name, field.name);
    };
    return std::any_of(kHopByHop.begin(), kHopByHop.end(), same) ||
           std::any_of(named.begin(), named.end(), same);
  });
}

std::string_view reason_phrase(int status) {
  for (const Reason& each : kReasons) {
    if (each.status == status) return each.phrase;
  }
  return "Unknown";
}

std::string_view trim_ows(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

}  // namespace rouse
