#include "proxy/wake_probe.hpp"

#include "base/http_ask.hpp"

#include <boost/system/errc.hpp>
#include <fmt/format.h>
#include <simdjson.h>

#include <utility>

namespace rouse {

namespace {

constexpr std::chrono::milliseconds kConnect{500};
constexpr std::chrono::milliseconds kAnswer{2'000};

HttpAsk ask_for(const Endpoint& url, const std::string& path, const std::string& key) {
  HttpAsk ask;
  ask.url = url;
  ask.target = url.base_path + path;
  if (!key.empty()) ask.fields.add("authorization", "Bearer " + key);
  ask.connect_timeout = kConnect;
  ask.url.tls_timeout = kAnswer;
  ask.timeout = kAnswer;
  return ask;
}

/// The state that a rouse tells of itself; empty: this is none.
std::string power_state(const HttpAnswer& answer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  std::string_view state;
  if (answer.status != 200 ||
      parser.parse(simdjson::padded_string(answer.body)).get(root) != simdjson::SUCCESS ||
      root["state"].get(state) != simdjson::SUCCESS) {
    return {};
  }
  return std::string(state);
}

WakeSign silent(const Error& error) {
  WakeSign sign;
  sign.text = error.message();
  if (error.code == boost::system::errc::connection_refused) {
    sign.text += ": the machine is up, or still on its way down; its service does not listen";
  }
  return sign;
}

}  // namespace

Task<WakeSign> ask_whether_awake(HttpPool& pool, Endpoint url, std::string key) {
  HttpAsk power = ask_for(url, "/v1/power", key);
  const Result<HttpAnswer> of_rouse = co_await http_ask(pool, std::move(power));
  if (!of_rouse) co_return silent(of_rouse.error());
  const std::string state = power_state(*of_rouse);
  WakeSign sign;
  if (!state.empty()) {
    sign.awake = state == "awake" || state == "draining";
    sign.text = fmt::format("says that it is {}", state);
    co_return sign;
  }
  HttpAsk health = ask_for(url, "/health", key);
  const Result<HttpAnswer> of_others = co_await http_ask(pool, std::move(health));
  if (!of_others) co_return silent(of_others.error());
  // Without that path (Ollama), any proper answer is one; 503 is what is loading, or a gateway.
  sign.awake = of_others->status < 500;
  sign.text = fmt::format("answers {} to /health", of_others->status);
  co_return sign;
}

}  // namespace rouse
