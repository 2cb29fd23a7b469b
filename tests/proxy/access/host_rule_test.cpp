#include "proxy/access/host_rule.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

using List = std::vector<std::pair<std::string, std::string>>;

/// The SHA-256 of "secret".
const char* const kKeys =
    "keys: {mine: {sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b}}\n";

std::shared_ptr<const Config> with(const std::string& text) {
  const LoadedConfig loaded = parse_config("models: {}\n" + text, "c.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
  return loaded.config ? loaded.config : std::make_shared<Config>();
}

std::vector<std::string> problems_of(const std::string& text) {
  std::vector<std::string> list;
  for (const Problem& each : parse_config("models: {}\n" + text, "c.yaml").problems) {
    list.push_back(each.str());
  }
  return list;
}

const OwnNames& names() {
  static const OwnNames list =
      own_names("Box", "127.0.0.1 localhost\n192.168.1.5 box.home box other.home # evil.example\n",
                "search fritz.box lan. ; no.example\nnameserver 1.1.1.1\n");
  return list;
}

std::optional<Failure> judged(const Config& config, const std::string& target,
                              const std::string& host, const List& fields = {},
                              const std::string& method = "POST") {
  RequestHead request;
  request.method = method;
  request.target = target;
  request.fields.add("Host", host);
  for (const auto& [name, value] : fields) request.fields.add(name, value);
  return host_fault(config, names(), wire::match_route(method, request.path()).route, request);
}

bool passes(const Config& config, const std::string& host) {
  return !judged(config, "/v1/chat/completions", host);
}

TEST(HostRule, TakesNamesThatNobodyElseCanHave) {
  const auto config = with("");
  for (const char* const host : {"127.0.0.1",
                                 "127.0.0.1:8080",
                                 "192.168.1.5:80",
                                 "127.1:8080",
                                 "[::1]:8080",
                                 "[fe80::1]",
                                 "localhost",
                                 "LocalHost:8080",
                                 "app.localhost:3000",
                                 "localhost.",
                                 "box",
                                 "BOX:8080",
                                 "box.local",
                                 "box.home:8080",
                                 "box.fritz.box",
                                 "other.home.",
                                 "rouse",
                                 "box.tail1234.ts.net",
                                 "host.docker.internal:8080",
                                 "nas.home.arpa",
                                 "rouse.llm.svc",
                                 "rouse.llm.svc.cluster.local",
                                 ""}) {
    EXPECT_TRUE(passes(*config, host)) << host;
  }
}

TEST(HostRule, RefusesWhatAnybodyCanHaveLeadHere) {
  const auto config = with("");
  for (const char* const host :
       {"evil.example", "evil.example:8080", "EVIL.example.", "127.0.0.1.nip.io",
        "localhost.evil.example", "box.evil.example", "ts.net.evil.example", "xts.net",
        "evil.local", "box.lan.example", "1.2.3.4.5", "svc.cluster.local", "evilsvc.example",
        "app.localhost.evil.example", "box.ts.net.evil.example", "llm.svc.evil.example"}) {
    const auto fault = judged(*config, "/v1/chat/completions", host);
    ASSERT_TRUE(fault) << host;
    EXPECT_EQ(fault->status, 421);
    EXPECT_EQ(fault->text.code, "host_unknown");
    EXPECT_THAT(fault->text.message, HasSubstr("hosts:"));
  }
}

TEST(HostRule, HoldsOnEveryRouteButThoseOfHealth) {
  const auto config = with("");
  for (const char* const target :
       {"/", "/v1/models", "/api/tags", "/running", "/logs", "/metrics", "/unload", "/api/events",
        "/upstream/m/", "/v1/power", "/api/captures/1", "/nowhere"}) {
    EXPECT_TRUE(judged(*config, target, "evil.example", {}, "GET")) << target;
  }
  EXPECT_TRUE(judged(*config, "/v1/chat/completions", "evil.example", {}, "OPTIONS"));
  for (const char* const target : {"/health", "/healthz", "/wol-health", "/livez", "/readyz"}) {
    EXPECT_FALSE(judged(*config, target, "evil.example", {}, "GET")) << target;
  }
}

TEST(HostRule, TakesWhatIsListed) {
  const auto config = with("hosts: [Rouse.example.net, \"*.example.org\"]");
  EXPECT_TRUE(passes(*config, "rouse.example.net:8443"));
  EXPECT_TRUE(passes(*config, "ROUSE.example.net."));
  EXPECT_TRUE(passes(*config, "a.b.example.org"));
  EXPECT_FALSE(passes(*config, "example.net"));
  EXPECT_FALSE(passes(*config, "rouse.example.net.evil.example"));
  EXPECT_FALSE(passes(*config, "evilexample.org"));
  EXPECT_TRUE(passes(*with("hosts: [\"*\"]"), "evil.example"));
}

TEST(HostRule, SaysWhatIsNoName) {
  for (const char* const text : {"https://a.example", "a.example:8080", "''", "a b", "a/b"}) {
    EXPECT_THAT(problems_of(std::string("hosts: [\"") + text + "\"]"),
                Contains(HasSubstr("is no name of a host")))
        << text;
  }
}

TEST(HostRule, WithKeysAKeyInAFieldOfItsOwnIsEnough) {
  const auto config = with(kKeys);
  const auto of = [&](const List& fields, const std::string& target = "/v1/chat/completions") {
    return judged(*config, target, "evil.example", fields);
  };
  EXPECT_FALSE(of({{"Authorization", "Bearer secret"}}));
  EXPECT_FALSE(of({{"X-Api-Key", "secret"}}));
  EXPECT_FALSE(of({{"Authorization", "Bearer wrong"}})) << "that is for a 401";
  EXPECT_FALSE(judged(*config, "/", "evil.example", {{"X-Api-Key", "secret"}}, "GET"));
}

TEST(HostRule, WithKeysWhatABrowserSendsByItselfIsNot) {
  const auto config = with(kKeys);
  const auto of = [&](const List& fields, const std::string& target = "/v1/chat/completions",
                      const std::string& method = "POST") {
    return judged(*config, target, "evil.example", fields, method);
  };
  EXPECT_TRUE(of({}));
  EXPECT_TRUE(of({{"Authorization", "Basic OnNlY3JldA=="}})) << ":secret";
  EXPECT_TRUE(of({{"Cookie", "key=secret"}}));
  EXPECT_TRUE(of({{"X-Api-Key", ""}}));
  EXPECT_TRUE(of({{"X-Api-Key", "wrong"}}, "/", "GET")) << "nobody else would judge it";
  EXPECT_TRUE(of({{"X-Api-Key", "wrong"}}, "/nowhere"));
  EXPECT_FALSE(judged(*config, "/v1/chat/completions", "127.0.0.1:8080"));
  EXPECT_THAT(of({})->text.message, HasSubstr("Authorization: Bearer KEY"));
}

}  // namespace
}  // namespace rouse
