#include "base/http/head.hpp"

#include "base/http/message.hpp"

#include <boost/beast/http/basic_parser.hpp>

#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

namespace rouse {
namespace {

namespace http = boost::beast::http;

constexpr std::size_t kFieldsMax = 256;
/// RFC 9112 §2.2: an empty line before a request is forgiven.
constexpr std::size_t kEmptyLinesMax = 2;

Error refused(HttpErrc code, std::string_view why) {
  return Error{make_error_code(code), std::string(why)};
}
Error bad(std::string_view why) {
  return refused(HttpErrc::BadMessage, why);
}

bool is_token_char(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kOthers.find(c) != std::string_view::npos;
}

/// Finds the end of the head (the length of it) and refuses what Beast would mend: lines that end
/// with a bare LF, and folded ones.
Result<std::optional<std::size_t>> find_head_end(std::string_view bytes, std::size_t& scanned) {
  using Found = std::optional<std::size_t>;
  if (!bytes.empty() && !is_token_char(bytes[0])) {
    return bad("the first line does not begin with a word");
  }
  while (scanned < bytes.size()) {
    if (scanned > 0 && bytes[scanned - 1] == '\n' &&
        (bytes[scanned] == ' ' || bytes[scanned] == '\t')) {
      return bad("a field is folded over two lines");
    }
    const auto feed = bytes.find('\n', scanned);
    if (feed == std::string_view::npos) {
      scanned = bytes.size();
      break;
    }
    if (feed == 0 || bytes[feed - 1] != '\r') return bad("a line of the head ends without CR");
    scanned = feed + 1;
    if (feed >= 3 && bytes[feed - 2] == '\n') return Found(scanned);
  }
  return Found();
}

/// Beast's grammar, our container.
template <bool is_request>
class HeadParser final : public http::basic_parser<is_request> {
 public:
  using Text = boost::beast::string_view;
  using Code = boost::beast::error_code;
  using Head = std::conditional_t<is_request, RequestHead, ResponseHead>;

  HeadParser() {
    this->body_limit(boost::none);
    this->header_limit(std::numeric_limits<std::uint32_t>::max());
  }
  Head& head() { return head_; }
  [[nodiscard]] bool has_too_many_fields() const { return too_many_; }

 private:
  static std::string_view view(Text text) { return {text.data(), text.size()}; }

  void on_request_impl(http::verb /*method*/, Text method, Text target, int version,
                       Code& /*error*/) override {
    if constexpr (is_request) {
      head_.method = view(method);
      head_.target = view(target);
      head_.version = version;
    }
  }
  void on_response_impl(int status, Text reason, int version, Code& /*error*/) override {
    if constexpr (!is_request) {
      head_.status = status;
      head_.reason = view(reason);
      head_.version = version;
    }
  }
  void on_field_impl(http::field /*name*/, Text name, Text value, Code& error) override {
    if (head_.fields.size() == kFieldsMax) {
      too_many_ = true;
      error = http::error::header_limit;
      return;
    }
    head_.fields.add(view(name), view(value));
  }
  void on_header_impl(Code& /*error*/) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/,
                         Code& /*error*/) override {}
  std::size_t on_body_impl(Text body, Code& /*error*/) override { return body.size(); }
  void on_chunk_header_impl(std::uint64_t /*size*/, Text /*extensions*/, Code& /*error*/) override {
  }
  std::size_t on_chunk_body_impl(std::uint64_t /*remain*/, Text body, Code& /*error*/) override {
    return body.size();
  }
  void on_finish_impl(Code& /*error*/) override {}

  Head head_;
  bool too_many_ = false;
};

/// Whether @p line is a request line, or begins as a status line, with a version of HTTP that is
/// well formed and not spoken here.
bool has_other_version(std::string_view line) {
  if (line.substr(0, 5) != "HTTP/") {
    const auto first = line.find(' ');
    if (first == std::string_view::npos) return false;
    const auto second = line.find(' ', first + 1);
    if (second == std::string_view::npos || line.substr(second + 1, 5) != "HTTP/") return false;
    line.remove_prefix(second + 1);
    if (line.size() != 8) return false;
  }
  const std::string_view version = line.substr(5, 3);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return version.size() == 3 && digit(version[0]) && version[1] == '.' && digit(version[2]) &&
         version != "1.0" && version != "1.1";
}

Error parse_failure(const boost::system::error_code& code, std::string_view bytes) {
  if (code == http::error::header_limit) {
    return refused(HttpErrc::HeadTooLarge, "more than " + std::to_string(kFieldsMax) + " fields");
  }
  if (code == http::error::bad_version && has_other_version(bytes.substr(0, bytes.find('\r')))) {
    return refused(HttpErrc::UnsupportedVersion, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  return bad("malformed head (" + code.message() + ")");
}

std::optional<std::uint64_t> parse_length(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || last != end || text[0] == '-') return std::nullopt;
  return value;
}

/// The one length that all Content-Length fields agree on; nullopt without one.
Result<std::optional<std::uint64_t>> content_length(Fields& fields) {
  std::optional<std::uint64_t> length;
  std::size_t seen = 0;
  for (const Fields::Field& field : fields) {
    if (!equal_without_case(field.name, "Content-Length")) continue;
    std::string_view list = field.value;
    while (true) {
      const auto comma = list.find(',');
      const auto value = parse_length(trim_ows(list.substr(0, comma)));
      if (!value) return bad("Content-Length is not a number");
      if (length && *length != *value) return bad("two Content-Length fields that differ");
      length = value;
      ++seen;
      if (comma == std::string_view::npos) break;
      list.remove_prefix(comma + 1);
    }
  }
  if (seen > 1) fields.set("Content-Length", std::to_string(*length));
  return length;
}

/// Whether the message is chunked; anything but one final "chunked" is refused.
Result<bool> is_chunked(const Fields& fields, int version) {
  std::size_t seen = 0;
  std::string_view value;
  for (const Fields::Field& field : fields) {
    if (!equal_without_case(field.name, "Transfer-Encoding")) continue;
    value = field.value;
    ++seen;
  }
  if (seen == 0) return false;
  if (version < 11) return bad("Transfer-Encoding in an HTTP/1.0 message");
  if (seen > 1) return bad("more than one Transfer-Encoding field");
  if (equal_without_case(value, "chunked")) return true;
  if (value.empty()) return bad("Transfer-Encoding is empty");
  return refused(HttpErrc::UnsupportedCoding,
                 "a transfer coding other than \"chunked\" is not supported");
}

template <class Head>
Result<void> find_framing(Head& head) {
  auto length = content_length(head.fields);
  if (!length) return length.error();
  auto chunked = is_chunked(head.fields, head.version);
  if (!chunked) return chunked.error();
  if (*chunked && *length) return bad("both Content-Length and Transfer-Encoding");
  if (*chunked) {
    head.framing = Framing::Chunked;
  } else if (*length) {
    head.framing = Framing::Length;
    head.content_length = **length;
  }
  const bool close = head.fields.has_token("Connection", "close");
  const bool keep = head.fields.has_token("Connection", "keep-alive");
  head.keep_alive = !close && (head.version >= 11 || keep);
  return {};
}

/// uri-host [ ":" port ]; may be empty.
bool is_host_field(std::string_view host) {
  constexpr std::string_view kOthers = "-._~!$&'()*+,;=%";
  if (!host.empty() && host[0] == '[') {
    const auto close = host.find(']');
    if (close == std::string_view::npos || close < 3) return false;
    for (const char c : host.substr(1, close - 1)) {
      const bool ok = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') ||
                      c == ':' || c == '.';
      if (!ok) return false;
    }
    host.remove_prefix(close + 1);
    if (!host.empty() && host[0] != ':') return false;
  }
  const auto colon = host.find(':');
  for (const char c : host.substr(0, colon)) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    kOthers.find(c) != std::string_view::npos;
    if (!ok) return false;
  }
  if (colon == std::string_view::npos) return true;
  const std::string_view port = host.substr(colon + 1);
  if (port.size() > 5) return false;
  return port.find_first_not_of("0123456789") == std::string_view::npos;
}

Result<void> check_host(const RequestHead& head) {
  std::size_t seen = 0;
  for (const Fields::Field& field : head.fields) {
    if (!equal_without_case(field.name, "Host")) continue;
    if (++seen > 1) return bad("more than one Host field");
    if (!is_host_field(field.value)) return bad("Host is not a host name or address");
  }
  if (seen == 0 && head.version >= 11) return bad("the Host field is missing");
  return {};
}

/// origin-form, absolute-form, or "*" with OPTIONS. CONNECT's form is refused: this is no tunnel.
Result<void> check_target(RequestHead& head) {
  const std::string_view target = head.target;
  for (const char c : target) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '#') return bad("the request target holds a fragment");
    if (byte <= 0x20 || byte >= 0x7f) return bad("the request target holds an illegal character");
  }
  if (target[0] == '/') return {};
  if (target == "*") {
    if (head.method == "OPTIONS") return {};
    return bad("the request target \"*\" is for OPTIONS only");
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equal_without_case(target.substr(0, scheme.size()), scheme)) continue;
    const std::string_view rest = target.substr(scheme.size());
    const std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
    if (authority.empty() || !is_host_field(authority))
      return bad("the request target has no valid host");
    // RFC 9112 §3.2.2: the target's host counts, not the field's.
    head.fields.set("Host", authority);
    return {};
  }
  return bad("the request target is neither a path nor an http URL");
}

/// Runs Beast over one whole head.
template <bool is_request>
Result<typename HeadParser<is_request>::Head> parse(std::string_view bytes) {
  HeadParser<is_request> parser;
  boost::system::error_code error;
  const std::size_t taken =
      parser.put(boost::asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error) return parse_failure(error, bytes);
  if (!parser.is_header_done() || taken != bytes.size()) return bad("malformed head");
  return std::move(parser.head());
}

Error head_too_large(const HttpLimits& limits) {
  return refused(HttpErrc::HeadTooLarge,
                 "a head of more than " + std::to_string(limits.head_max) + " bytes");
}

}  // namespace

std::uint64_t HttpLimits::most_of(std::string_view content_type) const {
  constexpr std::string_view kForm = "multipart/";
  const bool is_form = equal_without_case(content_type.substr(0, kForm.size()), kForm);
  return is_form ? form_max : body_max;
}

Result<std::optional<ParsedHead<RequestHead>>> parse_request_head(std::string_view bytes,
                                                                  const HttpLimits& limits,
                                                                  std::size_t& scanned) {
  using Found = std::optional<ParsedHead<RequestHead>>;
  std::size_t lead = 0;
  while (lead < 2 * kEmptyLinesMax && bytes.substr(lead, 2) == "\r\n") lead += 2;
  if (bytes.size() <= lead || bytes.substr(lead) == "\r") return Found();
  std::size_t from = scanned > lead ? scanned - lead : 0;
  auto end = find_head_end(bytes.substr(lead), from);
  scanned = lead + from;
  if (!end) return end.error();
  if (end->value_or(bytes.size() - lead) > limits.head_max) return head_too_large(limits);
  if (!*end) return Found();

  auto head = parse<true>(bytes.substr(lead, **end));
  if (!head) return head.error();
  if (auto ok = find_framing(*head); !ok) return ok.error();
  if (auto ok = check_host(*head); !ok) return ok.error();
  if (auto ok = check_target(*head); !ok) return ok.error();
  const std::uint64_t most = limits.most_of(head->fields.find("content-type").value_or(""));
  if (head->framing == Framing::Length && head->content_length > most) {
    return refused(HttpErrc::BodyTooLarge, "a body of " + std::to_string(head->content_length) +
                                               " bytes; the limit is " + std::to_string(most));
  }
  return Found(ParsedHead<RequestHead>{std::move(*head), lead + **end});
}

Result<std::optional<ParsedHead<ResponseHead>>> parse_response_head(std::string_view bytes,
                                                                    const HttpLimits& limits,
                                                                    std::size_t& scanned) {
  using Found = std::optional<ParsedHead<ResponseHead>>;
  auto end = find_head_end(bytes, scanned);
  if (!end) return end.error();
  if (end->value_or(bytes.size()) > limits.head_max) return head_too_large(limits);
  if (!*end) return Found();

  auto head = parse<false>(bytes.substr(0, **end));
  if (!head) return head.error();
  if (head->status < 100) return bad("a status below 100");
  if (auto ok = find_framing(*head); !ok) return ok.error();
  if (is_bodiless(head->status)) {
    head->framing = Framing::None;
    head->content_length = 0;
  } else if (head->framing == Framing::None) {
    head->framing = Framing::UntilClose;
    head->keep_alive = false;
  }
  return Found(ParsedHead<ResponseHead>{std::move(*head), **end});
}

bool is_bodiless(int status) {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace rouse
