#pragma once

#include "base/http/ask.hpp"
#include "base/net/endpoint.hpp"
#include "proxy/cli/proxy_facts.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace CLI {
class App;
}

namespace rouse {

/// A running proxy that a command asks.
struct ProxyOptions {
  static constexpr const char* kUsualUrl = "http://127.0.0.1:8080";
  std::string url = kUsualUrl;
  std::string key;        ///< sent as a bearer token when not empty
  bool insecure = false;  ///< https: whoever answers is believed
};
/// --url, --key and --insecure, with ROUSE_URL and ROUSE_KEY.
void add_proxy_options(CLI::App& command, ProxyOptions& options);

/// Where it listens; a url without a scheme is taken for http://. The error says what is wrong.
[[nodiscard]] Result<Endpoint> proxy_endpoint(const ProxyOptions& options);

/// What came of asking.
struct ProxyReply {
  std::string json;                 ///< as it came
  std::optional<ProxyFacts> facts;  ///< nullopt: see @p problem
  int status = 0;                   ///< of the answer; 0: there was none
  std::string problem;              ///< in words, without the address
  bool is_silent = false;           ///< nobody answered: it may do so later
  bool is_unknown_name = false;     ///< it answers, and nothing there has that name
};

/// GET @p target. Ends within 15 s.
Task<ProxyReply> ask_proxy(HttpPool& pool, Endpoint proxy, std::string key, std::string target);
/// The same, for a program that does nothing else meanwhile.
[[nodiscard]] ProxyReply ask_proxy_now(const Endpoint& proxy, const std::string& key,
                                       const std::string& target);

/// The problem with the address, for stderr.
[[nodiscard]] std::string problem_text(const ProxyOptions& options, const ProxyReply& reply);

/// What an answer means; @p has_key: one was sent.
[[nodiscard]] ProxyReply read_reply(const Result<HttpAnswer>& answer, bool has_key);

}  // namespace rouse
