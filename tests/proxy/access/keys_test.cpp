#include "proxy/access/keys.hpp"

#include "base/text/rfc3339.hpp"
#include "proxy/access/open_listener.hpp"
#include "proxy/access/own_keys.hpp"
#include "proxy/access/rights.hpp"
#include "proxy/cli/new_key.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string hash(std::string_view key) {
  return hex_of(sha256(key));
}

std::vector<std::string> problems_of(const std::string& text) {
  std::vector<std::string> list;
  for (const Problem& problem : parse_config(text, "c.yaml").problems) {
    list.push_back(problem.str());
  }
  return list;
}

std::shared_ptr<const Config> good(const std::string& text) {
  const LoadedConfig loaded = parse_config(text, "c.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
  return loaded.config ? loaded.config : std::make_shared<Config>();
}

/// `keys:` with one entry per line of @p entries: name, key, more settings.
struct Entry {
  std::string name;
  std::string key;
  std::string more;
};
std::string keys_yaml(const std::vector<Entry>& entries) {
  std::string out = "keys:\n";
  for (const Entry& entry : entries) {
    out += fmt::format("  {}: {{sha256: {}{}{}}}\n", entry.name, hash(entry.key),
                       entry.more.empty() ? "" : ", ", entry.more);
  }
  return out;
}

Fields fields_of(std::initializer_list<std::pair<std::string_view, std::string_view>> list) {
  Fields fields;
  for (const auto& [name, value] : list) fields.add(name, value);
  return fields;
}

Fields bearer(std::string_view key) {
  return fields_of({{"Authorization", "Bearer " + std::string(key)}});
}

/// The caller's name, or the refusal's status and code.
std::string came_as(const Keys& keys, const Fields& fields, Scope scope) {
  const auto result = keys.authorise(fields, scope);
  if (const auto* caller = std::get_if<Caller>(&result)) return "as " + caller->name;
  const auto& refusal = std::get<KeyRefusal>(result);
  return fmt::format("{} {}", refusal.status, refusal.code);
}

Caller caller_of(const Keys& keys, std::string_view key) {
  auto result = keys.authorise(bearer(key), Scope::Infer);
  EXPECT_TRUE(std::holds_alternative<Caller>(result));
  return std::holds_alternative<Caller>(result) ? std::get<Caller>(result) : Caller{};
}

core::Instant at(int seconds) {
  return core::Instant(std::chrono::seconds(seconds));
}

TEST(Sha256, IsTheStandardOne) {
  EXPECT_EQ(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(parse_sha256(hash("abc")), sha256("abc"));
  EXPECT_EQ(parse_sha256("BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"),
            sha256("abc"));
  EXPECT_EQ(parse_sha256(hash("abc").substr(1)), std::nullopt);
  EXPECT_EQ(parse_sha256("g" + hash("abc").substr(1)), std::nullopt);
  EXPECT_TRUE(equal_in_constant_time(sha256("abc"), sha256("abc")));
  EXPECT_FALSE(equal_in_constant_time(sha256("abc"), sha256("abd")));
}

TEST(KeyConfig, ExpiresAtATimeOrWithTheFirstSecondOfADay) {
  const auto expiry = [](const std::string& text) {
    return parse_config(keys_yaml({{"a", "k", "expires: " + text}}), "c.yaml");
  };
  EXPECT_EQ(expiry("2027-06-30").config->keys[0].expires, parse_rfc3339("2027-06-30T00:00:00Z"));
  EXPECT_EQ(expiry("2027-06-30T01:30:00+02:00").config->keys[0].expires,
            parse_rfc3339("2027-06-29T23:30:00Z"));
  for (const char* const wrong : {"soon", "2027", "2027-6-30", "2027-02-30", "2027-13-01",
                                  "2027-06-30T", "2027-06-30T18:00:00", "+027-06-30"}) {
    EXPECT_EQ(expiry(wrong).config, nullptr) << wrong;
  }
}

TEST(KeyConfig, HasDefaultsAndTakesEverything) {
  const auto config = good(
      "apiKeys: [plain]\nmodels: {a: {cmd: \"x ${PORT}\"}}\n" +
      keys_yaml({{"agent", "k1", ""},
                 {"ops", "k2",
                  "scopes: [control, wake], models: [a, \"*\"], maxInFlight: 2, requestsPerMinute: "
                  "3, tokensPerMinute: 4000, expires: 2027-06-30"}}));
  ASSERT_EQ(config->keys.size(), 3u);
  EXPECT_EQ(config->keys[0].name, "apiKeys");
  EXPECT_EQ(config->keys[0].scopes.size(), 5u);
  EXPECT_THAT(config->keys[1].scopes, ElementsAre(Scope::Infer, Scope::Observe));
  EXPECT_THAT(config->keys[1].models, ElementsAre("*"));
  EXPECT_EQ(config->keys[1].limits, core::KeyLimits{});
  EXPECT_EQ(config->keys[1].expires, std::nullopt);
  EXPECT_THAT(config->keys[2].scopes, ElementsAre(Scope::Control, Scope::Wake));
  EXPECT_EQ(config->keys[2].limits, (core::KeyLimits{2, 3, 4000}));
  EXPECT_EQ(config->keys[2].expires, parse_rfc3339("2027-06-30T00:00:00Z"));
}

TEST(KeyConfig, SeveralHashesAreForRotation) {
  const auto config =
      good(fmt::format("keys: {{agent: {{sha256: [{}, {}]}}}}\n", hash("old"), hash("new")));
  const Keys keys(config);
  EXPECT_EQ(came_as(keys, bearer("old"), Scope::Infer), "as agent");
  EXPECT_EQ(came_as(keys, bearer("new"), Scope::Infer), "as agent");
}

TEST(KeyConfig, FaultsHavePlacesAndShowNoKey) {
  const std::string one = hash("one");
  const auto fault = [&](const std::string& text) {
    const auto problems = problems_of(text);
    for (const std::string& problem : problems) {
      EXPECT_THAT(problem, AllOf(Not(HasSubstr("hunter2")), Not(HasSubstr(one.substr(0, 12)))));
    }
    return problems.empty() ? std::string() : problems.front();
  };
  EXPECT_THAT(fault("keys: hunter2\n"),
              "c.yaml:1:7: keys: expected a mapping, got a value: names stand indented below it, "
              "each with a colon");
  EXPECT_THAT(fault("keys: {agent: hunter2}\n"),
              "c.yaml:1:15: keys.agent: expected a mapping, got a value: its keys, such as "
              "\"sha256:\", stand indented below it");
  EXPECT_THAT(fault("keys: [hunter2]\n"), HasSubstr("keys: expected a mapping, got a list"));
  EXPECT_THAT(fault("keys: {agent: {sha256: hunter2}}\n"),
              HasSubstr("c.yaml:1:24: keys.agent.sha256: expected 64 hex digits, the SHA-256 of a "
                        "key and not the key itself; got 7 characters"));
  EXPECT_THAT(fault("keys: {agent: {sha256: {hunter2: x}}}\n"), HasSubstr("keys.agent.sha256"));
  EXPECT_THAT(fault("keys: {agent: {sha256: [[hunter2]]}}\n"), HasSubstr("keys.agent.sha256[0]"));
  EXPECT_THAT(fault("keys: {agent: {sha256: [" + one + ", " + one.substr(1) + "g]}}\n"),
              HasSubstr("keys.agent.sha256[1]: expected 64 hex digits"));
  EXPECT_THAT(fault("keys: {agent: {}}\n"), HasSubstr("keys.agent.sha256: is missing"));
  EXPECT_THAT(fault("keys: {agent: }\n"), HasSubstr("keys.agent.sha256: is missing"));
  EXPECT_THAT(fault("keys: {agent: {sha256: []}}\n"), HasSubstr("keys.agent.sha256: is missing"));
  EXPECT_THAT(fault("keys: {agent: {sha256: " + hash("") + "}}\n"), HasSubstr("of nothing"));
  EXPECT_THAT(fault("keys: {a: {sha256: [" + one + ", " + one + "]}}\n"),
              HasSubstr("keys.a.sha256[1]: this key is there twice"));
  EXPECT_THAT(fault(keys_yaml({{"a", "one", ""}, {"b", "one", ""}})),
              HasSubstr("c.yaml:3:15: keys.b.sha256: a has the same key"));
  EXPECT_THAT(fault("apiKeys: [one]\n" + keys_yaml({{"a", "one", ""}})),
              HasSubstr("keys.a.sha256: apiKeys has the same key"));
  EXPECT_THAT(fault(keys_yaml({{"apiKeys", "one", ""}})), HasSubstr("keys in apiKeys"));
  EXPECT_THAT(fault(keys_yaml({{"\"a b\"", "one", ""}})), HasSubstr("the name of a key has"));
  EXPECT_THAT(
      fault(keys_yaml({{"a", "one", "scopes: [infer, admin]"}})),
      HasSubstr(
          "scopes[1]: expected infer, observe, control, wake, list or captures, got \"admin\""));
  EXPECT_THAT(fault(keys_yaml({{"a", "one", "scopes: []"}})), HasSubstr("keys.a.scopes: a key"));
  EXPECT_THAT(fault(keys_yaml({{"a", "one", "models: [\"\"]"}})),
              HasSubstr("keys.a.models[0]: an empty text fits no model"));
  EXPECT_THAT(fault(keys_yaml({{"a", "one", "models: []"}})), HasSubstr("allows no model"));
  EXPECT_THAT(fault(keys_yaml({{"a", "one", "models: [qwen*]"}})),
              HasSubstr("keys.a.models[0]: warning: nothing here has a name like \"qwen*\""));
  EXPECT_THAT(fault(keys_yaml({{"a", "one", "expires: soon"}})), HasSubstr("\"soon\" is no date"));
  EXPECT_THAT(fault(keys_yaml({{"a", "one", "maxInFlight: -1"}})), HasSubstr("from 0 on"));
  EXPECT_THAT(fault("apiKeys: [[hunter2]]\n"), HasSubstr("apiKeys[0]: expected one text"));
}

TEST(Keys, WithoutAnyEverythingIsAllowed) {
  Keys keys(good("{}"));
  EXPECT_EQ(came_as(keys, {}, Scope::Control), "as ");
  EXPECT_EQ(came_as(keys, bearer("x"), Scope::Wake), "as ");
  const Caller nobody;
  EXPECT_TRUE(keys.may(nobody, Scope::Wake));
  EXPECT_TRUE(keys.may_use(nobody, "a", "b"));
  EXPECT_TRUE(std::holds_alternative<KeyTicket>(keys.begin(nobody, at(0))));
  keys.count_tokens(nobody, 5, at(0));
}

TEST(Keys, EveryFormOfAKeyIsTaken) {
  const Keys keys(good(keys_yaml({{"agent", "k1", ""}})));
  for (const auto& fields : {
           bearer("k1"), fields_of({{"authorization", "bEARER   k1"}}),
           fields_of({{"X-Api-Key", "k1"}}),
           fields_of({{"Authorization", "Basic YW55Oksx"}}),  // any:K1
           fields_of({{"Authorization", "basic YW55Omsx"}}),  // any:k1
           fields_of({{"Authorization", "Basic bjprMQ=="}}),  // n:k1
       }) {
    const bool other = fields.find("authorization").value_or("") == "Basic YW55Oksx";
    EXPECT_EQ(came_as(keys, fields, Scope::Infer), other ? "401 unauthorized" : "as agent");
  }
  for (const auto& fields :
       {Fields(), bearer("K1"), bearer("k1 "), bearer("k"), fields_of({{"Authorization", "k1"}}),
        fields_of({{"Authorization", "Bearer"}}), fields_of({{"X-Api-Key", ""}}),
        fields_of({{"Authorization", "Digest k1"}}), fields_of({{"Authorization", "Bearer:k1"}}),
        fields_of({{"Authorization", "Basic !!!"}}),
        fields_of({{"Authorization", "Bearer " + hash("k1")}}),
        fields_of({{"Authorization", "Basic azE="}})}) {  // k1, without a colon
    EXPECT_EQ(came_as(keys, fields, Scope::Infer), "401 unauthorized");
  }
}

TEST(Keys, AWrongOneHidesNoRightOne) {
  const Keys keys(good(keys_yaml({{"agent", "k1", ""}, {"ops", "k2", "scopes: [control]"}})));
  EXPECT_EQ(
      came_as(keys, fields_of({{"Authorization", "Bearer x"}, {"x-api-key", "k1"}}), Scope::Infer),
      "as agent");
  EXPECT_EQ(
      came_as(keys, fields_of({{"Authorization", "Bearer x"}, {"Authorization", "Bearer k1"}}),
              Scope::Infer),
      "as agent");
  const Fields both = fields_of({{"x-api-key", "k1"}, {"x-api-key", "k2"}});
  EXPECT_EQ(came_as(keys, both, Scope::Observe), "as agent");
  EXPECT_EQ(came_as(keys, both, Scope::Control), "as ops");
  EXPECT_EQ(came_as(keys, both, Scope::Wake), "403 scope_missing");
}

TEST(Keys, AKnownKeyWithoutTheScopeIs403) {
  const Keys keys(good("apiKeys: [root]\n" + keys_yaml({{"agent", "k1", ""}})));
  EXPECT_EQ(came_as(keys, bearer("k1"), Scope::Observe), "as agent");
  EXPECT_EQ(came_as(keys, bearer("k1"), Scope::Control), "403 scope_missing");
  EXPECT_EQ(came_as(keys, bearer("x"), Scope::Control), "401 unauthorized");
  const auto refused = std::get<KeyRefusal>(keys.authorise(bearer("k1"), Scope::Control));
  EXPECT_EQ(refused.message, "this wants the scope control; the key \"agent\" has infer, observe");
  for (const Scope scope : {Scope::Infer, Scope::Observe, Scope::Control, Scope::Wake}) {
    EXPECT_EQ(came_as(keys, bearer("root"), scope), "as apiKeys");
  }
  const Caller agent = caller_of(keys, "k1");
  EXPECT_TRUE(keys.may(agent, Scope::Infer));
  EXPECT_FALSE(keys.may(agent, Scope::Wake));
}

TEST(Keys, ExpireAtTheirTime) {
  const auto config = good(keys_yaml({{"agent", "k1", "expires: 2027-06-30"}, {"b", "k2", ""}}));
  std::chrono::system_clock::time_point now = *parse_rfc3339("2027-06-29T23:59:59Z");
  const Keys keys(config, [&] { return now; });
  EXPECT_EQ(came_as(keys, bearer("k1"), Scope::Infer), "as agent");
  now += std::chrono::seconds(1);
  EXPECT_EQ(came_as(keys, bearer("k1"), Scope::Infer), "403 key_expired");
  EXPECT_EQ(came_as(keys, fields_of({{"x-api-key", "k1"}, {"x-api-key", "k2"}}), Scope::Infer),
            "as b");
}

constexpr const char* kModels = R"(
models:
  coder: {cmd: "x ${PORT}", aliases: [gpt-4o, "claude-*"]}
  big/planner: {cmd: "x ${PORT}"}
  catch: {cmd: "x ${PORT}", aliases: ["g*", "*-x"]}
selectors: {any-chat: {strategy: pin, targets: [big/planner]}}
peers: {attic: {proxy: "http://attic", models: [llama]}}
profiles: {night: {pins: {gpt-5: big/planner}}}
)";

TEST(Keys, ModelsAreAllowedByIdOrByTheNameAskedFor) {
  const auto may = [&](const std::string& globs, std::string_view id, std::string_view asked) {
    const Keys keys(good(kModels + keys_yaml({{"agent", "k1", "models: [" + globs + "]"}})));
    return keys.may_use(caller_of(keys, "k1"), id, asked);
  };
  EXPECT_TRUE(may("coder", "coder", "coder"));
  EXPECT_TRUE(may("coder", "coder", "gpt-4o")) << "the id is allowed, however it is called";
  EXPECT_FALSE(may("coder", "big/planner", "big/planner"));
  EXPECT_TRUE(may("\"big/*\"", "big/planner", "any-chat"));
  EXPECT_TRUE(may("any-chat", "big/planner", "any-chat"));
  EXPECT_TRUE(may("gpt-5", "big/planner", "gpt-5"));
  EXPECT_FALSE(may("any-chat", "big/planner", "big/planner"));
  EXPECT_FALSE(may("\"*-chat\"", "coder", "any-chatter"));
  EXPECT_TRUE(may("\"*\"", "anything", "whatever"));
  EXPECT_TRUE(may("catch, \"*coder\"", "coder", "")) << "one of several";
  EXPECT_TRUE(may("\"attic/*\"", "", "attic/llama")) << "of another machine";
}

TEST(Keys, ANameThatOnlyAPatternExplainsIsThePattern) {
  const auto may = [&](const std::string& globs, std::string_view id, std::string_view asked) {
    const Keys keys(good(kModels + keys_yaml({{"agent", "k1", "models: [" + globs + "]"}})));
    return keys.may_use(caller_of(keys, "k1"), id, asked);
  };
  EXPECT_TRUE(may("\"claude-*\"", "coder", "claude-opus"));
  EXPECT_FALSE(may("\"gpt-*\"", "catch", "gpt-nonsense")) << "the client made this name up";
  EXPECT_FALSE(may("coder", "catch", "coder-x"));
}

TEST(Keys, ARefusedModelIsNamed) {
  const Keys keys(good(kModels + keys_yaml({{"agent", "k1", "models: [coder]"}})));
  const KeyRefusal refusal = Keys::model_forbidden(caller_of(keys, "k1"), "big\nplanner");
  EXPECT_EQ(refusal.status, 403);
  EXPECT_EQ(refusal.code, "model_forbidden");
  EXPECT_THAT(refusal.message, AllOf(HasSubstr("agent"), Not(HasSubstr("\n"))));
  EXPECT_EQ(failure_of(refusal).text.code, "model_forbidden");
}

TEST(Keys, ATicketCountsUntilItGoes) {
  auto keys = std::make_unique<Keys>(good(keys_yaml({{"agent", "k1", "maxInFlight: 1"}})));
  const Caller agent = caller_of(*keys, "k1");
  auto first = keys->begin(agent, at(0));
  ASSERT_TRUE(std::holds_alternative<KeyTicket>(first));
  const auto second = keys->begin(agent, at(0));
  ASSERT_TRUE(std::holds_alternative<KeyRefusal>(second));
  const KeyRefusal& refusal = std::get<KeyRefusal>(second);
  EXPECT_EQ(refusal.status, 429);
  EXPECT_EQ(refusal.retry_after_s, 1);
  EXPECT_EQ(refusal.limit, core::KeyLimit::InFlight);
  EXPECT_TRUE(failure_of(refusal).passing);
  EXPECT_EQ(failure_of(refusal).retry_after_s, 1);

  KeyTicket moved = std::move(std::get<KeyTicket>(first));
  first = KeyTicket();
  EXPECT_EQ(agent.account->budget.in_flight(), 1);
  moved = KeyTicket();
  EXPECT_EQ(agent.account->budget.in_flight(), 0);

  KeyTicket last = std::get<KeyTicket>(keys->begin(agent, at(0)));
  keys.reset();  // the ticket ends later, as at shutdown
  EXPECT_EQ(agent.account->budget.in_flight(), 1);
}

TEST(Keys, LimitsPerMinuteTellWhenToComeBack) {
  Keys keys(good(keys_yaml(
      {{"agent", "k1", "requestsPerMinute: 1"}, {"other", "k2", "tokensPerMinute: 100"}})));
  const Caller agent = caller_of(keys, "k1");
  EXPECT_TRUE(std::holds_alternative<KeyTicket>(keys.begin(agent, at(0))));
  KeyRefusal refusal = std::get<KeyRefusal>(keys.begin(agent, at(10)));
  EXPECT_EQ(refusal.retry_after_s, 30) << "50, but clients give up";
  EXPECT_THAT(refusal.message, HasSubstr("the next in 50 s"));
  EXPECT_EQ(refusal.limit, core::KeyLimit::Requests);
  const core::Instant late = at(50) - std::chrono::milliseconds(1);
  EXPECT_EQ(std::get<KeyRefusal>(keys.begin(agent, late)).retry_after_s, 11) << "rounded up";
  EXPECT_TRUE(std::holds_alternative<KeyTicket>(keys.begin(agent, at(60))));

  const Caller other = caller_of(keys, "k2");
  keys.count_tokens(other, 100, at(60));
  refusal = std::get<KeyRefusal>(keys.begin(other, at(100)));
  EXPECT_EQ(refusal.retry_after_s, 20);
  EXPECT_EQ(refusal.limit, core::KeyLimit::Tokens);
  EXPECT_EQ(refusal.code, "key_tokens_limit");
}

TEST(Keys, AReloadKeepsTheCountersOfWhatStays) {
  Keys keys(good(keys_yaml({{"agent", "k1", "requestsPerMinute: 1"}, {"gone", "k2", ""}})));
  const Caller agent = caller_of(keys, "k1");
  const Caller gone = caller_of(keys, "k2");
  EXPECT_TRUE(std::holds_alternative<KeyTicket>(keys.begin(agent, at(0))));
  keys.adopt(good(kModels + keys_yaml({{"agent", "k3", "requestsPerMinute: 1, models: [coder]"}})));
  EXPECT_EQ(came_as(keys, bearer("k1"), Scope::Infer), "401 unauthorized");
  EXPECT_EQ(came_as(keys, bearer("k2"), Scope::Infer), "401 unauthorized");
  EXPECT_TRUE(std::holds_alternative<KeyRefusal>(keys.begin(caller_of(keys, "k3"), at(1))));
  keys.adopt(good(kModels + keys_yaml({{"agent", "k3", "requestsPerMinute: 2, models: [coder]"}})));
  EXPECT_TRUE(std::holds_alternative<KeyTicket>(keys.begin(agent, at(1)))) << "the new limit";
  EXPECT_TRUE(std::holds_alternative<KeyRefusal>(keys.begin(agent, at(1))));
  EXPECT_FALSE(keys.may_use(agent, "catch", "catch")) << "the new rights count for who is here";
  EXPECT_TRUE(keys.may_use(gone, "catch", "catch"));
  EXPECT_TRUE(std::holds_alternative<KeyTicket>(keys.begin(gone, at(1))));
  keys.adopt(good("{}"));
  EXPECT_EQ(came_as(keys, {}, Scope::Control), "as ");
}

TEST(Authorise, RoutesWantTheirScope) {
  const auto config = good(keys_yaml({{"agent", "k1", ""},
                                      {"ops", "k2", "scopes: [control]"},
                                      {"chat", "infers", "scopes: [infer]"},
                                      {"page", "lists", "scopes: [list]"}}));
  Keys keys(config);
  const auto may = [&](const char* method, const char* path, std::string_view key) {
    const wire::RouteMatch match = wire::match_route(method, path);
    EXPECT_NE(match.route, nullptr) << path;
    RequestHead request;
    request.method = method;
    request.target = path;
    if (!key.empty()) request.fields = bearer(key);
    if (!match.route->needs_key) return true;
    const auto judged = keys.authorise(request.fields, *right_of(*match.route).scope);
    return std::holds_alternative<Caller>(judged);
  };
  EXPECT_TRUE(may("POST", "/v1/chat/completions", "k1"));
  EXPECT_FALSE(may("POST", "/v1/chat/completions", "k2"));
  EXPECT_FALSE(may("POST", "/v1/chat/completions", ""));
  EXPECT_TRUE(may("GET", "/v1/models", "k1"));
  EXPECT_TRUE(may("GET", "/v1/models/a", "infers")) << "whoever may use models may list them";
  EXPECT_TRUE(may("GET", "/models", "lists"));
  EXPECT_FALSE(may("GET", "/v1/models", "k2"));
  EXPECT_FALSE(may("GET", "/running", "infers"));
  EXPECT_FALSE(may("GET", "/running", "lists"));
  EXPECT_FALSE(may("POST", "/v1/chat/completions", "lists"));
  EXPECT_TRUE(may("GET", "/logs", "k1"));
  EXPECT_FALSE(may("GET", "/logs", "k2"));
  EXPECT_FALSE(may("GET", "/unload", "k1"));
  EXPECT_TRUE(may("GET", "/unload", "k2"));
  EXPECT_FALSE(may("POST", "/api/peers/attic/wake", "k2")) << "that wants a scope of its own";
  EXPECT_TRUE(may("GET", "/health", ""));
}

TEST(Authorise, OurKeysGoNoFurtherAndOthersPass) {
  const auto config = good("apiKeys: [root]\n" +
                           keys_yaml({{"agent", "k1", "expires: 2001-01-01"}, {"b", "k2", ""}}));
  Fields fields = fields_of({{"Authorization", "Bearer k1"},
                             {"X-API-Key", "root"},
                             {"x-api-key", "theirs"},
                             {"AUTHORIZATION", "Basic YW55Omsy"},  // any:k2
                             {"Authorization", "Bearer theirs"},
                             {"x-other", "k1"}});
  remove_own_keys(*config, fields);
  std::vector<std::string> left;
  for (const Fields::Field& field : fields) left.push_back(field.value);
  EXPECT_THAT(left, ElementsAre("theirs", "Bearer theirs", "k1"));
}

TEST(NewKey, WorksAsPasted) {
  const Result<NewKey> made = make_key("laptop-1");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->key.size(), 9u + 43u);
  EXPECT_THAT(made->key, testing::StartsWith("sk-rouse-"));
  EXPECT_THAT(made->yaml, Not(HasSubstr(made->key)));
  const Keys keys(good(made->yaml));
  EXPECT_EQ(came_as(keys, bearer(made->key), Scope::Infer), "as laptop-1");
  EXPECT_EQ(came_as(keys, bearer(made->key), Scope::Control), "403 scope_missing");
  EXPECT_NE(make_key("laptop-1")->key, made->key);
  const std::string text = new_key_text(*made);
  EXPECT_THAT(text, AllOf(HasSubstr(made->key), HasSubstr(made->yaml)));
  EXPECT_EQ(text.find(made->key), text.rfind(made->key));
}

TEST(NewKey, NeedsANameThatLogsCanShow) {
  for (const char* const name : {"", "a b", "a\"", "ä", "apiKeys", "a\n"}) {
    EXPECT_FALSE(make_key(name)) << name;
  }
  EXPECT_FALSE(make_key(std::string(65, 'a')));
  EXPECT_TRUE(make_key("1.5_x-Y"));
  EXPECT_EQ(came_as(Keys(good(make_key("123")->yaml)), {}, Scope::Infer), "401 unauthorized");
}

TEST(Exposure, IsToldBeyondThisMachineOnly) {
  const auto open = good("{}");
  for (const char* const host :
       {"127.0.0.1", "127.8.8.8", "127.1", "::1", "[::1]", "::ffff:127.0.0.1", "localhost",
        "LocalHost", "ip6-localhost", "unix:/run/rouse.sock"}) {
    EXPECT_EQ(open_listener_warning(*open, host), std::nullopt) << host;
  }
  for (const char* const host :
       {"", "0.0.0.0", "0", "::", "[::]", "::ffff:0.0.0.0", "192.168.1.5", "fe80::1%eth0",
        "2001:db8::1", "nas.local", "127.0.0.1.example.org", "localhost.example.org"}) {
    const auto warning = open_listener_warning(*open, host);
    ASSERT_TRUE(warning) << host;
    EXPECT_THAT(*warning, AllOf(HasSubstr("ANYBODY"), HasSubstr("rouse key"), HasSubstr(host)));
  }
  EXPECT_THAT(*open_listener_warning(*open, "*"), HasSubstr("every address"));
  const auto everywhere = *open_listener_warning(*open, "0.0.0.0");
  EXPECT_THAT(everywhere, AllOf(HasSubstr("every address"), Not(HasSubstr("peers")),
                                Not(HasSubstr("captureBuffer"))));
}

TEST(Exposure, SaysWhatThisConfigurationGivesAway) {
  const auto config = good(
      "captureBuffer: 5\npeers: {attic: {proxy: \"http://192.168.1.20:8080\", models: [huge]}}\n");
  EXPECT_THAT(*open_listener_warning(*config, "0.0.0.0"),
              AllOf(HasSubstr("peers"), HasSubstr("prompts")));
  EXPECT_EQ(open_listener_warning(*good("apiKeys: [x]\n"), "0.0.0.0"), std::nullopt);
  EXPECT_EQ(open_listener_warning(*good(keys_yaml({{"a", "k", ""}})), "0.0.0.0"), std::nullopt);
}

TEST(Keys, ALimitForAllModelsTogetherCountsEverybodysWork) {
  Keys keys(good("globalConcurrencyLimit: 2\n"));
  const Caller nobody;
  const auto probe = keys.begin(nobody, at(0), false);
  auto first = keys.begin(nobody, at(0));
  auto second = keys.begin(nobody, at(0));
  const auto third = keys.begin(nobody, at(0));
  EXPECT_TRUE(std::holds_alternative<KeyTicket>(probe)) << "it does not count";
  EXPECT_TRUE(std::holds_alternative<KeyTicket>(second));
  ASSERT_TRUE(std::holds_alternative<KeyRefusal>(third));
  const KeyRefusal& refusal = std::get<KeyRefusal>(third);
  EXPECT_EQ(refusal.status, 429);
  EXPECT_EQ(refusal.code, "concurrency_limit");
  EXPECT_EQ(refusal.retry_after_s, 1);
  EXPECT_TRUE(std::holds_alternative<KeyTicket>(keys.begin(nobody, at(0), false))) << "a probe";
  std::get<KeyTicket>(first) = KeyTicket();
  auto next = keys.begin(nobody, at(0));
  EXPECT_TRUE(std::holds_alternative<KeyTicket>(next));
  keys.adopt(good("{}"));
  EXPECT_TRUE(std::holds_alternative<KeyTicket>(keys.begin(nobody, at(0)))) << "no limit any more";
  keys.adopt(good("globalConcurrencyLimit: 2\n"));
  EXPECT_TRUE(std::holds_alternative<KeyRefusal>(keys.begin(nobody, at(0)))) << "two still run";
}

TEST(Keys, WhoIsRefusedByTheLimitOfAllHasUsedNothingOfTheirOwn) {
  Keys keys(
      good("globalConcurrencyLimit: 1\n" + keys_yaml({{"agent", "k1", "requestsPerMinute: 1"}})));
  const Caller agent = caller_of(keys, "k1");
  auto running = keys.begin(Caller(), at(0));
  EXPECT_TRUE(std::holds_alternative<KeyRefusal>(keys.begin(agent, at(0))));
  std::get<KeyTicket>(running) = KeyTicket();
  EXPECT_TRUE(std::holds_alternative<KeyTicket>(keys.begin(agent, at(1))));
}

}  // namespace
}  // namespace rouse
