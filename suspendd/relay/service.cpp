#include "suspendd/relay/service.hpp"

#include "base/text/json_writer.hpp"
#include "base/wake/packets.hpp"

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

#include <net/if.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <utility>

namespace rouse::suspendd {

namespace {

namespace ip = boost::asio::ip;

constexpr std::string_view kWakePath = "/v1/wake";
constexpr std::string_view kHealthPath = "/health";

RelayAnswer error_answer(int status, std::string_view code, std::string_view message) {
  JsonWriter json;
  json.begin_object();
  json.member("code", code);
  json.member("message", message);
  json.end_object();
  RelayAnswer answer;
  answer.status = status;
  answer.body = json.take();
  answer.log = fmt::format("refused with {}: {}", status, message);
  return answer;
}

bool is_json(const RequestHead& head) {
  std::string_view type = head.fields.find("content-type").value_or("");
  type = type.substr(0, type.find(';'));
  while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
  return equal_without_case(type, "application/json");
}

/// Whether only programs of this host can reach @p host, on which we listen.
bool is_loopback(const std::string& host) {
  boost::system::error_code failed;
  const auto address = ip::make_address(host, failed);
  return failed ? host == "localhost" : address.is_loopback();
}

std::optional<ip::address_v4> ipv4(const std::string& text) {
  boost::system::error_code failed;
  const auto address = ip::make_address_v4(text, failed);
  if (failed) return std::nullopt;
  return address;
}

std::string token_of(const RelayOptions& options, std::vector<std::string>& problems) {
  if (options.token_file.empty()) return options.token;
  if (!options.token.empty()) problems.emplace_back("a token and a token file: give one of them");
  std::ifstream file(options.token_file);
  std::string token;
  if (!file || !std::getline(file, token)) {
    problems.push_back(fmt::format("cannot read a token from {}", options.token_file));
  }
  while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ') token.pop_back();
  if (file && token.empty()) {
    problems.push_back(fmt::format("the first line of {} is empty", options.token_file));
  }
  return token;
}

void read_ways(const RelayOptions& options, WakePlan& plan, std::vector<std::string>& problems) {
  plan.interface = options.interface;
  plan.raw = options.raw;
  if (plan.interface.size() >= IFNAMSIZ) {
    problems.push_back(fmt::format("\"{}\" is no interface's name", plan.interface));
  }
  if (!options.source.empty()) {
    plan.source = ipv4(options.source);
    if (!plan.source) {
      problems.push_back(fmt::format("the source \"{}\" is no IPv4 address", options.source));
    }
  }
  for (const std::string& text : options.broadcast) {
    if (const auto address = ipv4(text)) {
      plan.broadcast.push_back(*address);
    } else {
      problems.push_back(fmt::format("the broadcast address \"{}\" is no IPv4 address", text));
    }
  }
}

/// 200 when anything was sent.
RelayAnswer told(const std::vector<WakeResult>& results) {
  const auto sent =
      std::count_if(results.begin(), results.end(), [](const WakeResult& each) { return each.ok; });
  std::string message = fmt::format("{} of {} packets sent", sent, results.size());
  const auto bad =
      std::find_if(results.begin(), results.end(), [](const WakeResult& each) { return !each.ok; });
  if (bad != results.end()) message += fmt::format("; {}: {}", bad->destination, bad->text);
  JsonWriter json;
  json.begin_object();
  json.member("message", message);
  json.member("sent", static_cast<std::int64_t>(sent));
  json.key("paths");
  json.begin_array();
  for (const WakeResult& each : results) write_json(json, each);
  json.end_array();
  json.end_object();
  RelayAnswer answer;
  answer.status = sent > 0 ? 200 : 502;
  answer.body = json.take();
  answer.log = std::move(message);
  return answer;
}

}  // namespace

RelayRules relay_rules(const RelayOptions& options, std::vector<std::string>& problems) {
  RelayRules rules;
  const std::string token = token_of(options, problems);
  if (!token.empty()) rules.token = sha256(token);
  rules.names = look_up_own_names(options.host);
  if (token.empty() && options.token_file.empty() && !is_loopback(options.host)) {
    problems.push_back(
        fmt::format("a relay that others reach ({}) needs a token",
                    options.host.empty() ? "it listens on every address" : options.host));
  }
  for (const std::string& text : options.macs) {
    const Result<MacAddress> mac = MacAddress::parse(text);
    if (mac) {
      rules.macs.push_back(*mac);
    } else {
      problems.push_back(mac.error().doing);
    }
  }
  read_ways(options, rules.plan, problems);
  rules.packets_per_minute = options.packets_per_minute;
  if (rules.packets_per_minute < 1) problems.emplace_back("packets per minute: 1 at least");
  return rules;
}

RelayService::RelayService(RelayRules rules, Clock::time_point now)
    : rules_(std::move(rules)), allowance_(rules_.packets_per_minute), filled_at_(now) {}

bool RelayService::is_known(const RequestHead& head) const {
  if (!rules_.token) return true;
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view value = head.fields.find("authorization").value_or("");
  if (!equal_without_case(value.substr(0, kScheme.size()), kScheme)) return false;
  return equal_in_constant_time(sha256(value.substr(kScheme.size())), *rules_.token);
}

void RelayService::refill(Clock::time_point now) {
  const std::chrono::duration<double> passed = now - filled_at_;
  filled_at_ = now;
  const double most = rules_.packets_per_minute;
  allowance_ = std::min(most, allowance_ + passed.count() * most / 60);
}

std::optional<RelayAnswer> RelayService::refusal(const RequestHead& head, Clock::time_point now) {
  if (head.path() == kHealthPath && (head.method == "GET" || head.method == "HEAD")) {
    RelayAnswer well;
    well.body = R"({"status":"ok"})";
    return well;
  }
  // A page whose name leads here asks by that name; with a token it would have to know it.
  if (!rules_.token && !is_own_host(head.fields.find("host").value_or(""), rules_.names)) {
    return error_answer(421, "host_unknown",
                        "this relay has no token, and is asked by names of this host only");
  }
  if (!is_known(head)) {
    RelayAnswer answer = error_answer(401, "unauthorized", "the token is missing or wrong");
    answer.fields.add("www-authenticate", "Bearer realm=\"rouse-suspendd relay\"");
    return answer;
  }
  if (head.path() != kWakePath) {
    return error_answer(404, "not_found", "there is POST /v1/wake, and GET /health");
  }
  if (head.method != "POST") {
    RelayAnswer answer = error_answer(405, "method_not_allowed", "this is for POST");
    answer.fields.add("allow", "POST");
    return answer;
  }
  // Also what keeps the scripts of web pages out, which may send other types without asking.
  if (!is_json(head)) {
    return error_answer(415, "unsupported_media_type", "Content-Type must be application/json");
  }
  refill(now);
  if (allowance_ >= 1) return std::nullopt;
  const double seconds = (1 - allowance_) * 60 / rules_.packets_per_minute;
  RelayAnswer answer =
      error_answer(429, "rate_limited",
                   fmt::format("{} packets a minute are enough", rules_.packets_per_minute));
  answer.fields.add("retry-after",
                    std::to_string(std::max(1, static_cast<int>(std::ceil(seconds)))));
  return answer;
}

RelayAnswer RelayService::answer(std::string_view body, Clock::time_point now) {
  const Result<RelayRequest> request = parse_relay_request(body);
  if (!request) return error_answer(400, "bad_request", request.error().doing);
  for (const MacAddress& mac : request->macs) {
    const bool is_allowed = rules_.macs.empty() || std::find(rules_.macs.begin(), rules_.macs.end(),
                                                             mac) != rules_.macs.end();
    if (!is_allowed) {
      return error_answer(403, "mac_not_allowed",
                          fmt::format("this relay does not wake {}", mac.text()));
    }
  }
  WakePlan plan = rules_.plan;
  plan.macs = request->macs;
  plan.secureon = request->secureon;
  if (!request->ports.empty()) plan.ports = request->ports;
  if (!request->broadcast.empty()) plan.broadcast = request->broadcast;
  const std::vector<WakeResult> results = send_packets(plan);
  refill(now);
  allowance_ -= static_cast<double>(results.size());
  RelayAnswer answer = told(results);
  std::string macs;
  for (const MacAddress& mac : plan.macs) macs += (macs.empty() ? "" : ", ") + mac.text();
  answer.log = fmt::format("{}: {}", macs, answer.log);
  return answer;
}

}  // namespace rouse::suspendd
