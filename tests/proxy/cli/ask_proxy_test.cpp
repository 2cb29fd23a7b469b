#include "proxy/cli/ask_proxy.hpp"

#include "proxy/wire/error_body.hpp"
#include "tests/proxy/cli/proxy_facts_world.hpp"

#include <boost/asio/error.hpp>
#include <gtest/gtest.h>

namespace rouse::test {
namespace {

Result<HttpAnswer> answer(int status, std::string message, std::string code = {}) {
  wire::ErrorText text;
  text.message = std::move(message);
  text.code = std::move(code);
  HttpAnswer made;
  made.status = status;
  made.body = wire::error_json(status, text);
  return made;
}

TEST(ProxyReply, ARefusalIsToldInWords) {
  EXPECT_EQ(read_reply(answer(401, "no key"), false).problem,
            "a key is needed: put it into ROUSE_KEY");
  EXPECT_EQ(read_reply(answer(401, "no such key"), true).problem,
            "the key is not taken: no such key");
  EXPECT_EQ(read_reply(answer(403, "this wants the scope observe"), true).problem,
            "the key may not look at it: this wants the scope observe");
  EXPECT_EQ(read_reply(answer(404, "nothing there"), false).problem,
            "something answers, but it is no rouse, or an older one (404)");
  EXPECT_EQ(read_reply(answer(500, "broken\n\x1b[2J"), false).problem,
            "it answers 500: broken ?[2J");
}

TEST(ProxyReply, AnUnknownNameIsNoFaultOfTheProxy) {
  const ProxyReply reply = read_reply(
      answer(404, "no model … \"codr\"; did you mean \"coder\"?", "name_not_found"), false);
  EXPECT_TRUE(reply.is_unknown_name);
  EXPECT_FALSE(reply.is_silent);
  EXPECT_EQ(reply.problem, "no model … \"codr\"; did you mean \"coder\"?");
}

TEST(ProxyReply, OnlyWhatMayPassIsWaitedFor) {
  const Result<HttpAnswer> refused = Error{asio::error::connection_refused, "asking 127.0.0.1:1"};
  EXPECT_TRUE(read_reply(refused, false).is_silent);
  EXPECT_EQ(read_reply(refused, false).problem, "asking 127.0.0.1:1: Connection refused");
  EXPECT_TRUE(read_reply(answer(503, "suspending"), false).is_silent);
  EXPECT_FALSE(read_reply(answer(401, "no"), false).is_silent);
  HttpAnswer page;
  page.status = 200;
  page.body = "<html>";
  EXPECT_FALSE(read_reply(page, false).is_silent);
  EXPECT_EQ(read_reply(page, false).problem, "something answers, but it is no rouse");
}

TEST(ProxyReply, TheFactsAreThere) {
  HttpAnswer page;
  page.status = 200;
  page.body = night_json();
  const ProxyReply reply = read_reply(page, false);
  ASSERT_TRUE(reply.facts);
  EXPECT_EQ(text_in(reply.facts->root(), "version"), "0.1.0");
  EXPECT_EQ(reply.problem, "");
}

TEST(ProxyReply, WhoNamedNoAddressHearsHowToNameOne) {
  ProxyOptions options;
  const ProxyReply refused = read_reply(Error{asio::error::connection_refused, "asking it"}, false);
  EXPECT_EQ(problem_text(options, refused),
            "no answer from " + options.url +
                ": asking it: Connection refused; --url or ROUSE_URL names another address");
  options.url = "box:9000";
  EXPECT_EQ(problem_text(options, refused),
            "no answer from box:9000: asking it: Connection refused");
  EXPECT_EQ(problem_text(options, read_reply(answer(403, "no"), true)),
            "box:9000: the key may not look at it: no");
}

TEST(ProxyEndpoint, ASchemeMayBeLeftOut) {
  ProxyOptions options;
  options.url = "box:9000";
  EXPECT_EQ(proxy_endpoint(options)->authority(), "box:9000");
  options.url = "https://box";
  options.insecure = true;
  const Result<Endpoint> secure = proxy_endpoint(options);
  ASSERT_TRUE(secure);
  EXPECT_TRUE(secure->tls);
  EXPECT_EQ(secure->port, 443);
  EXPECT_TRUE(secure->trust.insecure);
  options.url = "unix:/run/rouse.sock";
  EXPECT_EQ(proxy_endpoint(options)->unix_path, "/run/rouse.sock");
  options.url = "ftp://box";
  EXPECT_FALSE(proxy_endpoint(options));
  options.url = "";
  EXPECT_FALSE(proxy_endpoint(options));
}

}  // namespace
}  // namespace rouse::test
