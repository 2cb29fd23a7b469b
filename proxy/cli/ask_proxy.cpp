#include "proxy/cli/ask_proxy.hpp"

#include "base/async/task_group.hpp"
#include "base/http/pool.hpp"
#include "base/http/stream_deadlines.hpp"
#include "proxy/cli/config_arguments.hpp"
#include "proxy/wire/error_body.hpp"

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <fmt/format.h>

#include <utility>

namespace rouse {

namespace {

constexpr std::size_t kAnswerMax = 64U * 1024 * 1024;

std::string code_in(const std::string& body) {
  simdjson::dom::parser parser;
  std::string_view code;
  if (parser.parse(body)["error"]["code"].get(code) != simdjson::SUCCESS) return {};
  return std::string(code);
}

std::string with_message(std::string text, const std::string& message) {
  return message.empty() ? text : text + ": " + one_line(message);
}

std::string refusal_words(const HttpAnswer& answer, bool has_key) {
  const std::string message = wire::error_message_in(answer.body);
  switch (answer.status) {
    case 401:
      return has_key ? with_message("the key is not taken", message)
                     : std::string("a key is needed: put it into ROUSE_KEY");
    case 403:
      return with_message("the key may not look at it", message);
    case 404:
      return "something answers, but it is no rouse, or an older one (404)";
    default:
      return with_message(fmt::format("it answers {}", answer.status), message);
  }
}

}  // namespace

void add_proxy_options(CLI::App& command, ProxyOptions& options) {
  command.add_option("-u,--url", options.url, "where it listens")
      ->type_name("URL")
      ->envname("ROUSE_URL")
      ->capture_default_str();
  CLI::Option* const key = command.add_option(
      "--key", options.key, "an API key; by ROUSE_KEY only, since everybody sees a command line");
  take_from_environment(*key->type_name("KEY"), "ROUSE_KEY");
  command.add_flag("-k,--insecure", options.insecure, "https: take any certificate");
}

Result<Endpoint> proxy_endpoint(const ProxyOptions& options) {
  const bool is_whole =
      options.url.find("://") != std::string::npos || options.url.starts_with("unix:");
  Result<Endpoint> endpoint = Endpoint::parse(is_whole ? options.url : "http://" + options.url);
  if (endpoint) endpoint->trust.insecure = options.insecure;
  return endpoint;
}

std::string problem_text(const ProxyOptions& options, const ProxyReply& reply) {
  if (reply.status != 0) return options.url + ": " + reply.problem;
  std::string text = fmt::format("no answer from {}: {}", options.url, reply.problem);
  if (options.url == ProxyOptions::kUsualUrl) text += "; --url or ROUSE_URL names another address";
  return text;
}

ProxyReply read_reply(const Result<HttpAnswer>& answer, bool has_key) {
  ProxyReply reply;
  if (!answer) {
    reply.is_silent = true;
    reply.problem = answer.error().message();
    return reply;
  }
  reply.status = answer->status;
  if (answer->status != 200) {
    if (answer->status == 404 && code_in(answer->body) == "name_not_found") {
      reply.is_unknown_name = true;
      reply.problem = one_line(wire::error_message_in(answer->body));
      return reply;
    }
    // Of a server on its way up or down, or of what stands before it.
    reply.is_silent = answer->status >= 500;
    reply.problem = refusal_words(*answer, has_key);
    return reply;
  }
  reply.json = answer->body;
  reply.facts = ProxyFacts::parse(answer->body);
  if (!reply.facts) reply.problem = "something answers, but it is no rouse";
  return reply;
}

Task<ProxyReply> ask_proxy(HttpPool& pool, Endpoint proxy, std::string key, std::string target) {
  HttpAsk ask;
  ask.target = proxy.base_path + target;
  ask.url = std::move(proxy);
  ask.answer_max = kAnswerMax;
  ask.fields.add("user-agent", "rouse/" ROUSE_VERSION);
  if (!key.empty()) ask.fields.add("authorization", "Bearer " + key);
  const Result<HttpAnswer> answer = co_await http_ask(pool, std::move(ask));
  co_return read_reply(answer, !key.empty());
}

ProxyReply ask_proxy_now(const Endpoint& proxy, const std::string& key, const std::string& target) {
  asio::io_context context(1);
  StreamDeadlines deadlines(context.get_executor());
  HttpPool pool(context.get_executor(), HttpLimits{}, deadlines);
  ProxyReply reply;
  reply.is_silent = true;
  TaskGroup tasks(context.get_executor(), [&](const std::string& text) { reply.problem = text; });
  const auto ask = [](HttpPool& by, Endpoint whom, std::string with, std::string what,
                      ProxyReply& out) -> Task<void> {
    out = co_await ask_proxy(by, std::move(whom), std::move(with), std::move(what));
  };
  tasks.spawn(ask(pool, proxy, key, target, reply));
  context.run();
  return reply;
}

}  // namespace rouse
