#include "proxy/access/cors.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::shared_ptr<const Config> with(const std::string& cors) {
  const LoadedConfig loaded = parse_config(cors, "c.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
  return loaded.config ? loaded.config : std::make_shared<Config>();
}

const char* const kListed = "cors: {origins: [\"https://chat.example.org\", \"app://notes\"]}\n";

using List = std::vector<std::pair<std::string, std::string>>;

RequestHead request_of(const std::string& method, const std::string& target, const List& fields) {
  RequestHead request;
  request.method = method;
  request.target = target;
  request.fields.add("Host", "127.0.0.1:8080");
  for (const auto& [name, value] : fields) request.fields.add(name, value);
  return request;
}

/// "name: value" of what belongs to CORS, and Vary.
std::vector<std::string> cors_fields(const ResponseHead& head) {
  std::vector<std::string> out;
  for (const Fields::Field& field : head.fields) {
    if (field.name.starts_with("access-control-") || equal_without_case(field.name, "vary")) {
      out.push_back(field.name + ": " + field.value);
    }
  }
  return out;
}

std::vector<std::string> answered(const Config& config, const std::string& method,
                                  const std::string& target, const List& fields,
                                  const List& engine = {}) {
  const RequestHead request = request_of(method, target, fields);
  ResponseHead head;
  for (const auto& [name, value] : engine) head.fields.add(name, value);
  add_cors(config, wire::match_route(method, request.path()).route, request, head);
  return cors_fields(head);
}

bool refused(const Config& config, const std::string& method, const std::string& target,
             const List& fields) {
  const RequestHead request = request_of(method, target, fields);
  const wire::RouteMatch match = wire::match_route(method, request.path());
  EXPECT_NE(match.route, nullptr) << target;
  const auto fault = origin_fault(config, *match.route, request);
  EXPECT_TRUE(!fault || fault->status == 403);
  return fault.has_value();
}

TEST(OriginFault, SocketsAndRememberedPasswordsAreNotForAnyPage) {
  const auto config = with("{}");
  const std::pair<std::string, std::string> socket{"Upgrade", "websocket"};
  const std::pair<std::string, std::string> basic{"Authorization", "bAsIc eDp5"};
  const std::pair<std::string, std::string> evil{"Origin", "http://evil.example"};
  EXPECT_TRUE(refused(*config, "GET", "/upstream/a/ws", {socket, evil}));
  EXPECT_TRUE(refused(*config, "GET", "/comfyui/ws", {socket, {"Sec-Fetch-Site", "cross-site"}}));
  EXPECT_FALSE(refused(*config, "GET", "/upstream/a/ws", {socket}));
  EXPECT_FALSE(
      refused(*config, "GET", "/upstream/a/ws", {socket, {"Origin", "http://127.0.0.1:8080"}}));
  EXPECT_FALSE(refused(*with(kListed), "GET", "/upstream/a/ws",
                       {socket, {"Origin", "https://chat.example.org"}}));
  EXPECT_TRUE(refused(*config, "POST", "/v1/chat/completions", {basic, evil}));
  EXPECT_FALSE(refused(*config, "POST", "/v1/chat/completions", {basic}));
  EXPECT_FALSE(
      refused(*config, "POST", "/v1/chat/completions", {{"Authorization", "Bearer x"}, evil}));
  EXPECT_TRUE(refused(*config, "POST", "/v1/power/ack", {evil}));
  EXPECT_FALSE(refused(*config, "POST", "/v1/power/ack", {}));
}

TEST(Preflight, IsGrantedToAllWithoutAList) {
  const ResponseHead head =
      preflight_head(*with("{}"), request_of("OPTIONS", "/nowhere", {{"Origin", "http://x"}}));
  EXPECT_EQ(head.status, 204);
  EXPECT_EQ(head.framing, Framing::None);
  EXPECT_THAT(
      cors_fields(head),
      UnorderedElementsAre(
          "access-control-allow-origin: *",
          "access-control-allow-methods: GET, POST, PUT, PATCH, DELETE, OPTIONS",
          "access-control-allow-headers: Content-Type, Authorization, Accept, X-Requested-With",
          "access-control-max-age: 86400", "vary: Access-Control-Request-Headers"));
}

TEST(Preflight, GrantsTheValidNamesThatAreAskedFor) {
  const RequestHead request =
      request_of("OPTIONS", "/v1/models",
                 {{"Access-Control-Request-Headers", "x-api-key, a b,,X-Stainless-OS ,b\x01"},
                  {"access-control-request-headers", "y"}});
  EXPECT_THAT(cors_fields(preflight_head(*with("{}"), request)),
              Contains("access-control-allow-headers: x-api-key, X-Stainless-OS, y"));
}

TEST(Preflight, WithAListIsForItsOriginsOnly) {
  const auto asked = [&](const std::string& cors, const List& fields) {
    return cors_fields(preflight_head(*with(cors), request_of("OPTIONS", "/", fields)));
  };
  const List good{{"Origin", "https://Chat.example.org"}};
  EXPECT_THAT(asked(kListed, good),
              Contains("access-control-allow-origin: https://Chat.example.org"));
  EXPECT_THAT(asked(kListed, good), Contains("vary: Origin"));
  for (const char* const origin :
       {"https://evil.org", "http://chat.example.org", "https://chat.example.org.evil.org", "null",
        "*", "https://chat.example.org:8443"}) {
    EXPECT_THAT(asked(kListed, {{"Origin", origin}}), UnorderedElementsAre("vary: Origin"))
        << origin;
  }
  EXPECT_THAT(asked(kListed, {}), UnorderedElementsAre("vary: Origin"));
  EXPECT_THAT(asked("cors: {origins: []}\n", good), UnorderedElementsAre("vary: Origin"));
  EXPECT_THAT(asked("cors: {origins: [\"*\"]}\n", good),
              Contains("access-control-allow-origin: *"));
}

TEST(Cors, TheFormOfLlamaSwapIsTheSame) {
  const auto config = with("security: {cors: {allowedOrigins: [\"https://chat.example.org\"]}}\n");
  const List good{{"Origin", "https://chat.example.org"}};
  const List bad{{"Origin", "https://evil.org"}};
  EXPECT_FALSE(refused(*config, "POST", "/v1/chat/completions", good));
  EXPECT_TRUE(refused(*config, "POST", "/v1/chat/completions", bad));
  EXPECT_THAT(cors_fields(preflight_head(*config, request_of("OPTIONS", "/", bad))),
              UnorderedElementsAre("vary: Origin"));
  EXPECT_THAT(answered(*config, "GET", "/running", good),
              testing::Not(Contains(HasSubstr("credentials"))));
}

TEST(Cors, CredentialsAreForNamedOrigins) {
  const auto config = with(
      "security: {cors: {allowedOrigins: [\"https://chat.example.org\"], allowCredentials: "
      "true}}\n");
  const List good{{"Origin", "https://chat.example.org"}};
  EXPECT_THAT(cors_fields(preflight_head(*config, request_of("OPTIONS", "/", good))),
              Contains("access-control-allow-credentials: true"));
  EXPECT_THAT(
      answered(*config, "GET", "/running", good, {{"X-Request-Id", "7"}}),
      UnorderedElementsAre("access-control-allow-origin: https://chat.example.org",
                           "access-control-allow-credentials: true",
                           "access-control-expose-headers: vary, x-request-id", "vary: Origin"));
  EXPECT_THAT(answered(*config, "GET", "/running", {{"Origin", "https://evil.org"}}),
              UnorderedElementsAre("vary: Origin"));
}

TEST(Cors, WithoutAListOnlyTheListingsAreReadable) {
  const auto config = with("{}");
  const List page{{"Origin", "http://x"}};
  for (const char* const path : {"/v1/models", "/models?x=1"}) {
    EXPECT_THAT(answered(*config, "GET", path, page),
                UnorderedElementsAre("access-control-allow-origin: http://x", "vary: Origin"));
    EXPECT_THAT(answered(*config, "GET", path, {}), UnorderedElementsAre("vary: Origin"));
  }
  EXPECT_THAT(answered(*config, "GET", "/running", page), IsEmpty());
  EXPECT_THAT(answered(*config, "POST", "/v1/chat/completions", page), IsEmpty());
  EXPECT_THAT(answered(*config, "GET", "/nowhere", page), IsEmpty());
  // What an engine says passes, as it does with the peer.
  EXPECT_THAT(answered(*config, "POST", "/v1/chat/completions", page,
                       {{"access-control-allow-origin", "http://x"}}),
              UnorderedElementsAre("access-control-allow-origin: http://x"));
}

TEST(Cors, WithAListEverythingIsReadableForItAndNothingForOthers) {
  const auto config = with(kListed);
  const List good{{"Origin", "app://notes"}};
  const List evil{{"Origin", "http://x"}};
  const List engine{{"access-control-allow-origin", "http://x"},
                    {"Access-Control-Allow-Credentials", "true"}};
  for (const char* const path : {"/v1/models", "/running", "/nowhere", "/health"}) {
    EXPECT_THAT(answered(*config, "GET", path, good),
                UnorderedElementsAre("access-control-allow-origin: app://notes",
                                     "access-control-expose-headers: *", "vary: Origin"));
    EXPECT_THAT(answered(*config, "GET", path, evil, engine), UnorderedElementsAre("vary: Origin"));
    EXPECT_THAT(answered(*config, "GET", path, {}), UnorderedElementsAre("vary: Origin"));
  }
  EXPECT_THAT(answered(*config, "POST", "/v1/messages", good, engine),
              UnorderedElementsAre("access-control-allow-origin: app://notes",
                                   "access-control-expose-headers: *", "vary: Origin"));
  EXPECT_THAT(answered(*config, "GET", "/health", {}, {{"Vary", "Accept, origin"}}),
              UnorderedElementsAre("Vary: Accept, origin"))
      << "it is there already";
}

TEST(Cors, AStarIsForEverybodyAndVariesWithNothing) {
  const auto config = with("cors: {origins: [\"*\"]}\n");
  EXPECT_THAT(
      answered(*config, "POST", "/v1/messages", {{"Origin", "http://x"}}),
      UnorderedElementsAre("access-control-allow-origin: *", "access-control-expose-headers: *"));
}

TEST(OriginFault, NoPageOfAnotherOriginControls) {
  const auto open = with("{}");
  for (const auto& [method, path] : List{{"POST", "/api/models/unload"},
                                         {"GET", "/unload"},
                                         {"POST", "/api/models/load/a"},
                                         {"POST", "/api/config/reload"}}) {
    EXPECT_FALSE(refused(*open, method, path, {})) << "curl";
    EXPECT_FALSE(refused(*open, method, path, {{"Origin", "http://127.0.0.1:8080"}}));
    EXPECT_FALSE(refused(*open, method, path, {{"Sec-Fetch-Site", "none"}})) << "typed";
    EXPECT_TRUE(refused(*open, method, path, {{"Origin", "http://x"}}));
    EXPECT_TRUE(refused(*open, method, path, {{"Origin", "null"}}));
    EXPECT_TRUE(refused(*open, method, path, {{"Origin", ""}}));
    EXPECT_TRUE(refused(*open, method, path, {{"Origin", "http://127.0.0.1:3000"}}));
    EXPECT_TRUE(refused(*open, method, path, {{"Origin", "http://127.0.0.1"}}));
    EXPECT_TRUE(refused(*open, method, path, {{"Origin", "http://x.org/127.0.0.1:8080"}}));
    EXPECT_TRUE(refused(*open, method, path,
                        {{"Origin", "http://127.0.0.1:8080"}, {"Origin", "http://x"}}));
    EXPECT_TRUE(refused(*open, method, path, {{"Sec-Fetch-Site", "cross-site"}})) << "an <img>";
    EXPECT_TRUE(refused(*open, method, path, {{"Sec-Fetch-Site", "same-site"}}));
    EXPECT_TRUE(refused(*open, method, path,
                        {{"Sec-Fetch-Site", "cross-site"},
                         {"Sec-Fetch-Mode", "navigate"},
                         {"Sec-Fetch-Dest", "document"}}))
        << "a link";
  }
}

TEST(OriginFault, AGetThatChangesSomethingIsNoneForABrowser) {
  const auto config = with("{}");
  const auto refuses = [&](List fields) {
    fields.emplace_back("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0");
    return refused(*config, "GET", "/unload", fields);
  };
  EXPECT_TRUE(refuses({})) << "an <img> of any page, over plain HTTP";
  EXPECT_TRUE(refuses({{"Referer", "http://evil.example/127.0.0.1:8080"}}));
  EXPECT_TRUE(refuses({{"Referer", "evil"}}));
  EXPECT_TRUE(refuses({{"Authorization", "Basic OnNlY3JldA=="}})) << "browsers remember it";
  EXPECT_TRUE(refuses({{"Sec-Fetch-Site", "cross-site"}}));
  EXPECT_FALSE(refuses({{"Referer", "http://127.0.0.1:8080/ui"}}));
  EXPECT_FALSE(refuses({{"Sec-Fetch-Site", "same-origin"}}));
  EXPECT_FALSE(refuses({{"Sec-Fetch-Site", "none"}})) << "typed by its reader";
  EXPECT_FALSE(refuses({{"Origin", "http://127.0.0.1:8080"}}));
  EXPECT_FALSE(refuses({{"Authorization", "Bearer secret"}}));
  EXPECT_FALSE(refused(*config, "GET", "/unload", {{"User-Agent", "curl/8.14"}}));
  EXPECT_FALSE(refused(*config, "GET", "/unload", {}));
}

TEST(OriginFault, TheOwnOriginIsKnownBehindTlsAndRewrittenHosts) {
  const auto config = with("{}");
  RequestHead request;
  request.method = "POST";
  request.target = "/api/models/unload";
  const wire::Route& route = *wire::match_route("POST", request.target).route;
  request.fields.add("Host", "LLM.example.org");
  request.fields.add("Origin", "https://llm.example.org");
  EXPECT_FALSE(origin_fault(*config, route, request));
  request.fields.set("Host", "llm.example.org:443");
  EXPECT_FALSE(origin_fault(*config, route, request));
  request.fields.set("Host", "llm.example.org:80");
  EXPECT_TRUE(origin_fault(*config, route, request)) << "another port";
  request.fields.set("Host", "127.0.0.1:8080");
  EXPECT_TRUE(origin_fault(*config, route, request));
  request.fields.add("Sec-Fetch-Site", "same-origin");
  EXPECT_FALSE(origin_fault(*config, route, request)) << "browsers know better";
  request.fields = Fields();
  request.fields.add("Origin", "https://");
  EXPECT_TRUE(origin_fault(*config, route, request)) << "no Host";
}

TEST(TrustedOrigin, IsOursOrListed) {
  const auto trusts = [](const char* config, const List& fields) {
    RequestHead request;
    request.fields.add("Host", "llm:8080");
    for (const auto& [name, value] : fields) request.fields.add(name, value);
    return has_trusted_origin(*with(config), request);
  };
  EXPECT_TRUE(trusts("{}", {})) << "no page";
  EXPECT_TRUE(trusts("{}", {{"Origin", "http://llm:8080"}}));
  EXPECT_TRUE(trusts("{}", {{"Origin", "https://front"}, {"Sec-Fetch-Site", "same-origin"}}));
  EXPECT_FALSE(trusts("{}", {{"Origin", "http://x"}}));
  EXPECT_FALSE(trusts("{}", {{"Origin", "null"}}));
  EXPECT_FALSE(trusts("{}", {{"Sec-Fetch-Site", "cross-site"}}));
  EXPECT_FALSE(trusts(kListed, {{"Origin", "http://x"}}));
  EXPECT_TRUE(trusts(kListed, {{"Origin", "app://notes"}, {"Sec-Fetch-Site", "cross-site"}}));
  EXPECT_TRUE(trusts("cors: {origins: [\"*\"]}\n", {{"Origin", "http://x"}}));
}

TEST(OriginFault, ControlWantsItsOriginByName) {
  const List page{{"Origin", "https://chat.example.org"}};
  EXPECT_FALSE(refused(*with(kListed), "POST", "/api/models/unload", page));
  EXPECT_TRUE(refused(*with(kListed), "POST", "/api/models/unload", {{"Origin", "http://x"}}));
  EXPECT_TRUE(refused(*with("cors: {origins: [\"*\"]}\n"), "GET", "/unload", page));
  EXPECT_TRUE(refused(*with("cors: {origins: [\"*\"]}\n"), "GET", "/unload",
                      {{"Sec-Fetch-Site", "cross-site"}}));
}

TEST(OriginFault, InferenceIsForTheListIfThereIsOne) {
  const List simple{{"Origin", "http://x"}, {"Content-Type", "text/plain"}};
  const List json{{"Origin", "http://x"}, {"Content-Type", "application/json"}};
  const char* const chat = "/v1/chat/completions";
  EXPECT_FALSE(refused(*with("{}"), "POST", chat, simple));
  EXPECT_FALSE(refused(*with("{}"), "POST", chat, json));
  EXPECT_TRUE(refused(*with(kListed), "POST", chat, simple));
  EXPECT_TRUE(refused(*with(kListed), "POST", chat, json));
  EXPECT_FALSE(refused(*with(kListed), "POST", chat, {{"Origin", "app://notes"}}));
  EXPECT_FALSE(refused(*with(kListed), "POST", chat, {})) << "no page";
  EXPECT_FALSE(refused(*with("cors: {origins: [\"*\"]}\n"), "POST", chat, simple));
  EXPECT_TRUE(refused(*with("cors: {origins: []}\n"), "POST", chat, simple));
  EXPECT_TRUE(refused(*with(kListed), "GET", "/upstream/a/", {{"Sec-Fetch-Site", "cross-site"}}));
  EXPECT_FALSE(refused(*with(kListed), "GET", "/upstream/a/",
                       {{"Sec-Fetch-Site", "cross-site"},
                        {"Sec-Fetch-Mode", "navigate"},
                        {"Sec-Fetch-Dest", "document"}}))
      << "a link on a dashboard";
  EXPECT_TRUE(refused(*with(kListed), "GET", "/upstream/a/",
                      {{"Sec-Fetch-Site", "cross-site"},
                       {"Sec-Fetch-Mode", "navigate"},
                       {"Sec-Fetch-Dest", "iframe"}}))
      << "within a page";
  EXPECT_TRUE(refused(*with(kListed), "GET", "/upstream/a/",
                      {{"Origin", "http://x"}, {"Sec-Fetch-Mode", "websocket"}}));
  EXPECT_FALSE(refused(*with(kListed), "GET", "/running", simple)) << "it cannot be read anyway";
}

TEST(CorsConfig, OriginsAreExact) {
  EXPECT_EQ(with("{}")->cors_origins, std::nullopt);
  EXPECT_EQ(with("cors: {}\n")->cors_origins, std::nullopt);
  EXPECT_THAT(*with("cors: {origins: []}\n")->cors_origins, IsEmpty());
  EXPECT_THAT(*with("cors: {origins: [\"HTTP://A:80\", \"https://b:443\", \"http://c:443\"]}\n")
                   ->cors_origins,
              testing::ElementsAre("http://a", "https://b", "http://c:443"));
  for (const char* const wrong : {"chat.example.org", "https://a/", "https://a/b", "https://*.a",
                                  "null", "https://", "://a", "", "https://u@a", "https://a b"}) {
    const LoadedConfig loaded =
        parse_config(fmt::format("cors: {{origins: [\"{}\"]}}\n", wrong), "c.yaml");
    ASSERT_FALSE(loaded.problems.empty()) << wrong;
    EXPECT_THAT(loaded.problems.front().str(), HasSubstr("c.yaml:1:18: cors.origins[0]: \"" +
                                                         std::string(wrong) + "\" is no origin"));
  }
}

}  // namespace
}  // namespace rouse
