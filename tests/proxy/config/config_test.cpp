#include "proxy/config/config.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> problems_of(const std::string& text) {
  std::vector<std::string> list;
  for (const Problem& problem : parse_config(text, "c.yaml").problems)
    list.push_back(problem.str());
  return list;
}

std::shared_ptr<const Config> good(const std::string& text) {
  const LoadedConfig loaded = parse_config(text, "c.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
  EXPECT_NE(loaded.config, nullptr);
  return loaded.config ? loaded.config : std::make_shared<Config>();
}

struct Fault {
  const char* name;
  const char* text;
  const char* problem;  // the first, whole
};

void PrintTo(const Fault& fault, std::ostream* out) {
  *out << fault.name;
}

class ConfigFault : public testing::TestWithParam<Fault> {};

TEST_P(ConfigFault, IsToldWithItsPlace) {
  const std::vector<std::string> problems = problems_of(GetParam().text);
  ASSERT_FALSE(problems.empty());
  EXPECT_EQ(problems.front(), GetParam().problem);
}

constexpr Fault kFaults[] = {
    {"Syntax", "models: [",
     "c.yaml:1:9: this [ is never closed: a ] is missing behind what it begins"},
    {"NotAMapping", "- a\n",
     "c.yaml:1:1: expected a mapping, got a list: a configuration begins with a key such as "
     "\"models:\""},
    {"MisspeltKey", "helthCheckTimeout: 20\n",
     "c.yaml:1:1: helthCheckTimeout: warning: unknown key, ignored; did you mean "
     "\"healthCheckTimeout\"?"},
    {"MisspeltModelKey", "models:\n  a:\n    cmd: x ${PORT}\n    prxy: y\n",
     "c.yaml:4:5: models.a.prxy: warning: unknown key, ignored; did you mean \"proxy\"?"},
    {"DuplicateKey", "logLevel: info\nlogLevel: warn\n",
     "c.yaml:2:1: logLevel: this key was already given in line 1: keep one of them"},
    {"WrongKind", "models: 5\n",
     "c.yaml:1:9: models: expected a mapping, got \"5\": names stand indented below it, each with "
     "a "
     "colon"},
    {"NotANumber", "startPort: 80a\n",
     "c.yaml:1:12: startPort: expected a whole number from 1 to 65535, got \"80a\""},
    {"OutOfRange", "startPort: 70000\n",
     "c.yaml:1:12: startPort: expected a whole number from 1 to 65535, got \"70000\": the first "
     "${PORT}"},
    {"NotATruth", "sendLoadingState: maybe\n",
     "c.yaml:1:19: sendLoadingState: expected true or false, got \"maybe\""},
    {"BadDuration", "waiting: {hold: soon}\n",
     "c.yaml:1:17: waiting.hold: expected a duration such as 90s, 15min, 1h 30min or 250ms, got "
     "\"soon\""},
    {"OneOf", "logToStdout: all\n",
     "c.yaml:1:14: logToStdout: expected proxy, upstream, both or none, got \"all\""},
    {"Ttl", "models: {a: {cmd: \"x ${PORT}\", ttl: -2}}\n",
     "c.yaml:1:37: models.a.ttl: expected a whole number of seconds from -1 on, got \"-2\": "
     "seconds "
     "without a request after which it is unloaded; 0: never, -1: globalTTL"},
    {"DuplicateAlias",
     "models:\n  a: {cmd: \"x ${PORT}\", aliases: [n]}\n  b: {cmd: \"x ${PORT}\", aliases: [n]}\n",
     "c.yaml:3:35: models.b.aliases[0]: duplicate alias: \"n\" is one of model \"a\" already, and "
     "a name "
     "leads to one model; remove it in one place"},
    {"PortWithoutCmd", "models: {a: {cmd: x, proxy: \"http://h:${PORT}\"}}\n",
     "c.yaml:1:29: models.a.proxy: uses ${PORT}, and cmd does not: the engine has to be told its "
     "port "
     "there, as --port ${PORT} for one"},
    {"UnknownMacro", "models: {a: {cmd: \"x ${nope} ${PORT}\"}}\n",
     "c.yaml:1:19: models.a.cmd: unknown macro '${nope}': define it under macros:"},
    {"ForwardMacro", "macros: {a: \"${b}\", b: c}\nmodels: {m: {cmd: \"${a} ${PORT}\"}}\n",
     "c.yaml:1:13: macros.a: uses ${b}, which is defined further down, in line 1: a macro can use "
     "only those above it, so move 'b' above 'a'"},
    {"ReservedMacro", "macros: {PORT: 1}\n",
     "c.yaml:1:10: macros.PORT: macro name 'PORT' is reserved"},
    {"SelfReference", "macros: {a: \"x ${a}\"}\n",
     "c.yaml:1:13: macros.a: macro 'a' contains itself: take ${a} out of its text"},
    {"MacroOfAKind", "macros: {a: [1]}\n",
     "c.yaml:1:13: macros.a: macro 'a' must be a text, a number or a truth value, not a list"},
    {"UnsetEnvironment", "models: {a: {cmd: \"x ${env.ROUSE_NOT_SET} ${PORT}\"}}\n",
     "c.yaml:1:19: models.a.cmd: environment variable 'ROUSE_NOT_SET' is not set"},
    {"BothRouters", "groups: {}\nmatrix: {}\n",
     "c.yaml:1:9: groups: config cannot use both 'groups' and 'matrix'"},
    {"UnknownRouter", "routing: {router: {use: magic}}\n",
     "c.yaml:1:25: routing.router.use: unknown router \"magic\" (valid: group, matrix)"},
    {"UnknownMember", "groups: {g: {members: [zz]}}\n",
     "c.yaml:1:24: groups.g.members[0]: no model is called \"zz\""},
    {"UnknownInSet", "models: {a: {cmd: \"x ${PORT}\"}}\nmatrix: {sets: {s: a & zz}}\n",
     "c.yaml:2:24: matrix.sets.s: unknown var or model \"zz\""},
    {"BadExpression", "models: {a: {cmd: \"x ${PORT}\"}}\nmatrix:\n  sets:\n    s: \"a & (a\"\n",
     "c.yaml:4:13: matrix.sets.s: the \"(\" that opens here is never closed: a \")\" is missing "
     "(character 5)"},
    {"EmptyKey", "apiKeys: [\"\"]\n", "c.yaml:1:11: apiKeys[0]: empty api key found in apiKeys"},
    {"NoKey", "apiKeys: [~]\n", "c.yaml:1:11: apiKeys[0]: expected one text, got nothing"},
    {"KeyWithAName", "apiKeys: [{name: me, key: hunter2}]\n",
     "c.yaml:1:11: apiKeys[0]: expected one text, got a mapping: a key with a name, rights or "
     "limits is an entry of keys: (rouse key NAME makes one)"},
    {"NoScopes",
     "keys: {k: {sha256: 0000000000000000000000000000000000000000000000000000000000000001, "
     "scopes: [~]}}\n",
     "c.yaml:1:94: keys.k.scopes: a key without a scope is good for nothing: leave the line out "
     "for infer and observe, or the key"},
    {"ToolsOfAModel", "models: {a: {cmd: \"x ${PORT}\", tools: true}}\n",
     "c.yaml:1:32: models.a.tools: warning: unknown key, ignored; it belongs below "
     "\"capabilities:\" in here"},
    {"Policies", "policies: {base: x}\n",
     "c.yaml:1:1: policies: warning: unknown key, ignored; rouse has no policies: filters "
     "(setParams, \"name?\", setParamsByMatch, stripParams) change requests"},
    {"Environment", "models: {a: {cmd: \"x ${PORT} ${HOME}\"}}\n",
     "c.yaml:1:19: models.a.cmd: unknown macro '${HOME}': the variable of the environment is "
     "${env.HOME}"},
    {"KeyWithSpace", "apiKeys: [\"a b\"]\n",
     "c.yaml:1:11: apiKeys[0]: api key cannot contain spaces"},
    {"Priority", "routing: {scheduler: {settings: {fifo: {priority: {zz: 1}}}}}\n",
     "c.yaml:1:52: routing.scheduler.settings.fifo.priority.zz: no model is called \"zz\""},
    {"PeerWithoutModels", "peers: {p: {proxy: \"http://h:1\", models: []}}\n",
     "c.yaml:1:42: peers.p.models: is an empty list: it wants names, or auto"},
    {"SelectorTarget", "selectors: {s: {strategy: pin, targets: [zz]}}\n",
     "c.yaml:1:42: selectors.s.targets[0]: no model is called \"zz\""},
    {"Profile", "profiles: {p: {pins: {x: zz}}}\n",
     "c.yaml:1:26: profiles.p.pins.x: no model, peer model or selector is called \"zz\""},
    {"SecretInTheWrongForm", "apiKeys: hunter2\n",
     "c.yaml:1:10: apiKeys: expected a list, got a value"},
    {"NegativeTtlOfAll", "globalTTL: -1\n",
     "c.yaml:1:12: globalTTL: expected a whole number of seconds from 0 on, got \"-1\": seconds "
     "without a "
     "request after which a model is unloaded; 0: never"},
    {"MisspeltMember",
     "models: {planner: {cmd: \"x ${PORT}\"}}\ngroups: {g: {members: [plannr]}}\n",
     "c.yaml:2:24: groups.g.members[0]: no model is called \"plannr\"; did you mean \"planner\"?"},
    {"MemberTwice", "models: {a: {cmd: \"x ${PORT}\"}}\ngroups: {g: {members: [a, a]}}\n",
     "c.yaml:2:27: groups.g.members[1]: \"a\" is already in group \"g\""},
    {"MatrixAndRouting", "matrix: {sets: {}}\nrouting: {router: {use: group}}\n",
     "c.yaml:1:9: matrix: there is a routing.router too: move this into routing.router.settings"},
    {"MatrixMissing", "routing: {router: {use: matrix}}\n",
     "c.yaml:1:25: routing.router.use: the matrix router needs routing.router.settings.matrix"},
    {"Scheduler", "routing: {scheduler: {use: lifo}}\n",
     "c.yaml:1:28: routing.scheduler.use: expected fifo, got \"lifo\""},
    {"CostTwice",
     "models: {m: {cmd: \"x ${PORT}\"}}\n"
     "matrix: {vars: {M: m}, evict_costs: {M: 2, m: 3}, sets: {s: m}}\n",
     "c.yaml:2:47: matrix.evict_costs.m: evict_cost of model \"m\" is given twice, here and as "
     "\"M\"; keep one"},
    {"CostOfNothing",
     "models: {m: {cmd: \"x ${PORT}\"}}\nmatrix: {evict_costs: {m: cheap}, sets: {s: m}}\n",
     "c.yaml:2:27: matrix.evict_costs.m: expected a whole number from 1 on, got \"cheap\""},
    {"PlaceInAPlainSet", "models: {a: {cmd: \"x ${PORT}\"}}\nmatrix:\n  sets:\n    s: a & zz\n",
     "c.yaml:4:12: matrix.sets.s: unknown var or model \"zz\""},
    {"PlaceInAFoldedSet",
     "models: {a: {cmd: \"x ${PORT}\"}}\nmatrix:\n  sets:\n    s: a &\n       zz\n",
     "c.yaml:4:8: matrix.sets.s: unknown var or model \"zz\""},
    {"CheckEndpointBlank", "models: {a: {cmd: \"x ${PORT}\", checkEndpoint: \"/he lth\"}}\n",
     "c.yaml:1:47: models.a.checkEndpoint: \"/he lth\" is no path: character 4 must be "
     "percent-encoded"},
    {"CheckEndpointEscape", "models: {a: {cmd: \"x ${PORT}\", checkEndpoint: /h%zz}}\n",
     "c.yaml:1:47: models.a.checkEndpoint: \"/h%zz\" is no path: % at character 3 wants two "
     "hexadecimal digits"},
    {"NoAddress", "models: {a: {cmd: x, proxy: \"ftp://h\"}}\n",
     "c.yaml:1:29: models.a.proxy: endpoint \"ftp://h\" must begin with http://, https:// or "
     "unix:"},
    {"ParamsOfAKind", "models: {a: {cmd: \"x ${PORT}\", filters: {setParamsByID: {n: 5}}}}\n",
     "c.yaml:1:61: models.a.filters.setParamsByID.n: expected a mapping, got a value"},
    {"ParamWithAMarkInside",
     "models: {a: {cmd: \"x ${PORT}\", filters: {setParams: {\"a?b\": 5}}}}\n",
     "c.yaml:1:54: models.a.filters.setParams.a?b: ? has to be written \\? in a path"},
    {"MatchWithoutAKey",
     "models: {a: {cmd: x ${PORT}, filters: {setParamsByMatch: [{match: 1, set: {b: 1}}]}}}\n",
     "c.yaml:1:59: models.a.filters.setParamsByMatch[0].key: is missing: the parameter of the "
     "request that is looked at"},
    {"MatchOfTheModel",
     "models: {a: {cmd: x ${PORT}, filters: {setParamsByMatch: [{key: model, match: 1, set: {b: "
     "1}}]}}}\n",
     "c.yaml:1:65: models.a.filters.setParamsByMatch[0].key: of a model's name setParamsByID "
     "decides"},
    {"MatchWithoutAValue",
     "models: {a: {cmd: x ${PORT}, filters: {setParamsByMatch: [{key: k, set: {b: 1}}]}}}\n",
     "c.yaml:1:59: models.a.filters.setParamsByMatch[0].match: is missing: the value that it must "
     "have (\"null\" in quotes, if meant)"},
    {"MatchThatSetsNothing",
     "models: {a: {cmd: x ${PORT}, filters: {setParamsByMatch: [{key: k, match: 1}]}}}\n",
     "c.yaml:1:59: models.a.filters.setParamsByMatch[0].set: is missing: the parameters to set "
     "then"},
    {"ParamsForAnotherModel",
     "models:\n  a: {cmd: \"x ${PORT}\", filters: {setParamsByID: {b: {}}}}\n"
     "  b: {cmd: \"x ${PORT}\"}\n",
     "c.yaml:2:51: models.a.filters.setParamsByID.b: model a filters.setParamsByID: key 'b' "
     "conflicts with an existing model ID"},
    {"Capability", "models: {a: {cmd: \"x ${PORT}\", capabilities: {in: [smell]}}}\n",
     "c.yaml:1:52: models.a.capabilities.in[0]: expected text, audio or image, got "
     "\"smell\""},
    {"EmptySelector", "selectors: {s: }\n",
     "c.yaml:1:13: selectors.s.strategy: is missing: pin, warm or spillover"},
    {"SelectorNamedLikeAModel",
     "models: {a: {cmd: \"x ${PORT}\"}}\nselectors: {a: {strategy: pin, targets: [a]}}\n",
     "c.yaml:2:13: selectors.a: this is the name of a model"},
    {"WarmAndFar",
     "peers: {p: {proxy: \"http://h:1\", models: [m]}}\n"
     "selectors: {s: {strategy: warm, targets: [m]}}\n",
     "c.yaml:2:43: selectors.s.targets[0]: m is on another machine: warm wants local ones"},
    {"SpilloverThatNeverFitsAtOnce",
     "models: {a: {cmd: \"x ${PORT}\"}, b: {cmd: \"x ${PORT}\"}, c: {cmd: \"x ${PORT}\"}}\n"
     "matrix: {sets: {s: \"a & b | b & c | a & c\"}}\n"
     "selectors: {x: {strategy: spillover, targets: [a, b, c]}}\n",
     "c.yaml:3:47: selectors.x.targets: a + b + c may not be resident together, as spillover "
     "wants it"},
    {"SpilloverTwice",
     "peers: {p: {proxy: \"http://h:1\", models: [m]}}\n"
     "selectors: {s: {strategy: spillover, targets: [m, p/m]}}\n",
     "c.yaml:2:51: selectors.s.targets[1]: p/m is there twice"},
    {"SpilloverOfNone",
     "models: {a: {cmd: \"x ${PORT}\"}}\n"
     "selectors: {s: {strategy: spillover, targets: [a], settings: {spillover: 0}}}\n",
     "c.yaml:2:74: selectors.s.settings.spillover: expected a whole number from 1 on, got \"0\": "
     "requests "
     "on a target before the next is used"},
    {"PeersThatCollide",
     "peers:\n  a: {proxy: \"http://h:1\", models: [b/c]}\n"
     "  a/b: {proxy: \"http://h:2\", models: [c]}\n",
     "c.yaml:3:39: peers.a/b.models[0]: a/b/c is a name of peer a, too"},
    {"ParamsForNoModelOfAPeer",
     "peers: {p: {proxy: \"http://h:1\", models: [m], filters: {setParamsByID: {m: {t: 1}, p/m: "
     "{t: "
     "1}, \"m*\": {t: 1}, \"m:fast\": {t: 1}}}}}\n",
     "c.yaml:1:111: peers.p.filters.setParamsByID.m:fast: warning: never applies: p has no model "
     "of "
     "this name (m). For a second name of one, add models: {m: {aliases: [\"m:fast\"]}}"},
    {"PinOfAPeersModel",
     "peers: {p: {proxy: \"http://h:1\", models: [m]}}\nprofiles: {q: {pins: {p/m: m}}}\n",
     "c.yaml:2:23: profiles.q.pins.p/m: this is the name of a peer's model"},
    {"PinOfAList", "profiles: {p: {pins: {x: [a]}}}\n",
     "c.yaml:1:26: profiles.p.pins.x: a pin names one target (lists are the removed form: use a "
     "selector)"},
    {"ProfileWithoutPins", "profiles: {p: {description: d}}\n",
     "c.yaml:1:12: profiles.p: a profile needs at least one pin"},
    {"Pattern", "upstream: {ignorePaths: [\"(a\"]}\n",
     "c.yaml:1:26: upstream.ignorePaths[0]: \"(a\" is no regular expression: missing ): (a"},
    {"StoreWithoutPath", "store: {path: \"\"}\n",
     "c.yaml:1:15: store.path: is missing: the file to keep the history in"},
    {"StoreInAFolder", "store: {path: /}\n",
     "c.yaml:1:15: store.path: \"/\" is a folder, a file is wanted"},
    {"HeadTooSmall", "limits: {headMax: 10}\n",
     "c.yaml:1:19: limits.headMax: less than 1KiB fits no request"},
    {"LogLevel", "logLevel: loud\n",
     "c.yaml:1:11: logLevel: warning: \"loud\" is no level, info is used"},
    {"LogTimeFormat", "logTimeFormat: rfc339\n",
     "c.yaml:1:16: logTimeFormat: warning: \"rfc339\" is no format, HH:MM:SS.mmm is used; did "
     "you mean \"rfc3339\"?"},
    {"NoCommand", "models: {a: {proxy: \"http://h:1\"}}\n",
     "c.yaml:1:13: models.a.cmd: warning: is missing: without the engine's command line the model "
     "cannot be "
     "started (an engine that runs by itself is a peer: see peers:)"},
    {"EnvironmentEntry", "models: {a: {cmd: \"x ${PORT}\", env: [A]}}\n",
     "c.yaml:1:38: models.a.env[0]: warning: \"A\" is not of the form NAME=value; left out"},
    {"Preload", "hooks: {on_startup: {preload: [zz]}}\n",
     "c.yaml:1:32: hooks.on_startup.preload[0]: warning: no model here is called \"zz\"; left out"},
    {"StartupProfile",
     "models: {m: {cmd: \"x ${PORT}\"}}\nprofiles: {night: {pins: {x: m}}}\n"
     "hooks: {on_startup: {profile: nigt}}\n",
     "c.yaml:3:31: hooks.on_startup.profile: no profile is called \"nigt\"; did you mean "
     "\"night\"?"},
    {"DefaultModel", "defaultModel: planer\nmodels: {planner: {cmd: \"x ${PORT}\"}}\n",
     "c.yaml:1:15: defaultModel: no model is called \"planer\"; did you mean \"planner\"?"},
    {"OriginsTwice", "cors: {origins: []}\nsecurity: {cors: {allowedOrigins: [\"http://a\"]}}\n",
     "c.yaml:2:35: security.cors.allowedOrigins: cors.origins says it, too: keep one of them"},
    {"NoOrigin", "security: {cors: {allowedOrigins: [chat.example.org]}}\n",
     "c.yaml:1:36: security.cors.allowedOrigins[0]: \"chat.example.org\" is no origin: "
     "scheme://host or scheme://host:port, nothing after it, or * alone"},
    {"CredentialsForAll", "security: {cors: {allowedOrigins: [\"*\"], allowCredentials: true}}\n",
     "c.yaml:1:60: security.cors.allowCredentials: warning: has no effect: it is only for origins "
     "that are listed by their names"},
    {"Performance", "performance: {every: 2s}\n",
     "c.yaml:1:22: performance.every: every must be at least 5s, got 2s"},
};

INSTANTIATE_TEST_SUITE_P(Table, ConfigFault, testing::ValuesIn(kFaults),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(Config, TellsAllFaultsAtOnceInTheOrderOfTheFile) {
  EXPECT_THAT(
      problems_of("startPort: x\nlogToStdout: y\nmodels: {a: {cmd: \"z ${PORT}\", ttl: q}}\n"),
      ElementsAre(HasSubstr("c.yaml:1:12: startPort"), HasSubstr("c.yaml:2:14: logToStdout"),
                  HasSubstr("c.yaml:3:37: models.a.ttl")));
}

TEST(Config, AnEmptyFileIsValid) {
  EXPECT_NE(parse_config("", "c.yaml").config, nullptr);
  EXPECT_NE(good("{}\n")->residency, nullptr);
}

TEST(Config, KnowsWhatIsEmptyOnPurpose) {
  EXPECT_THAT(parse_config("models: {}\npeers:\napiKeys: []\n", "c.yaml").emptied,
              ElementsAre("apiKeys", "models"));
  EXPECT_THAT(parse_config("models:\n  m: {cmd: \"x ${PORT}\"}\n", "c.yaml").emptied, IsEmpty());
}

TEST(Config, WhatAnEntryLendsMayHaveAnyName) {
  good("x-notes: {a: 1}\nwords: &w [n]\nmodels: {m: {cmd: \"x ${PORT}\", aliases: *w}}\n");
  EXPECT_THAT(problems_of("words: &w [n]\nother: {a: *w}\n"),
              ElementsAre(HasSubstr("c.yaml:2:1: other: warning: unknown key")));
  EXPECT_THAT(problems_of("words: &w {a: 1}\n"), ElementsAre(HasSubstr("words")));
  EXPECT_THAT(problems_of("a-x-b: {a: 1}\n"), ElementsAre(HasSubstr("unknown key")));
}

TEST(Config, PortsGoToThoseWhoUseThemInByteOrderOfTheIds) {
  const auto config = good(
      "startPort: 9000\nmodels:\n  b: {cmd: \"x ${PORT}\"}\n  B: {cmd: \"x ${PORT}\"}\n"
      "  a: {cmd: y, proxy: \"http://h:1\"}\n");
  EXPECT_EQ(config->models.at("B").endpoint.port, 9000);
  EXPECT_EQ(config->models.at("b").endpoint.port, 9001);
  EXPECT_THAT(config->models.at("b").argv, ElementsAre("x", "9001"));
  EXPECT_EQ(config->models.at("a").endpoint.port, 1);
}

TEST(Config, MergeKeysAndAnchorsWork) {
  const auto config = good(
      "defs: &d {ttl: 30, unlisted: true}\nmodels:\n  m: {<<: *d, cmd: \"x ${PORT}\", ttl: 5}\n");
  EXPECT_EQ(config->models.at("m").ttl.count(), 5);
  EXPECT_TRUE(config->models.at("m").unlisted);
}

TEST(Config, NumericIdsAreTexts) {
  EXPECT_NE(good("models: {70: {cmd: \"x ${PORT}\"}}\n")->find_model("70"), nullptr);
}

TEST(Config, AMarkBehindAParameterIsNoPartOfIt) {
  const auto config = good(R"y(models: {a: {cmd: "x ${PORT}", filters: {setParams: {
    "b?": 1, 'c\?': 2, 'd\\?': 3, e: 4}}}})y");
  const std::vector<SetParam>& params = config->models.at("a").filters.set_params;
  ASSERT_EQ(params.size(), 4u);
  EXPECT_EQ(params[0].path + params[1].path + params[2].path + params[3].path, "bc\\?d\\\\e");
  EXPECT_TRUE(params[0].if_absent && params[2].if_absent);
  EXPECT_FALSE(params[1].if_absent || params[3].if_absent);
}

TEST(Config, OfAnObjectThatIsSetByMatchEachMemberIsAnEdit) {
  const auto config = good(
      "models: {a: {cmd: \"x ${PORT}\", filters: {setParamsByMatch: [{key: e, match: [lo, 5], set: "
      "{k: {x: 1, y.z: {5: 2}}, \"m?\": {n: 3}, o: {}, model: no}}]}}}\n");
  const std::vector<MatchRule>& rules = config->models.at("a").filters.set_params_by_match;
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_THAT(rules[0].texts, ElementsAre("lo", "5"));
  std::vector<std::string> seen;
  for (const SetParam& each : rules[0].set) {
    seen.push_back(each.path + (each.if_absent ? "?=" : "=") + each.json);
  }
  EXPECT_THAT(seen, ElementsAre("k.x=1", "k.y\\.z.:5=2", "m.n?=3", "o={}"));
}

TEST(Config, TtlAndTimeoutsInheritAndHaveTheirFloors) {
  const auto config = good(
      "globalTTL: 9\nunloadTimeout: 4\nhealthCheckTimeout: 3\nmodels:\n"
      "  a: {cmd: \"x ${PORT}\"}\n  b: {cmd: \"x ${PORT}\", ttl: 0, unloadTimeout: 7, "
      "healthCheckTimeout: 40}\n");
  EXPECT_EQ(config->models.at("a").ttl.count(), 9);
  EXPECT_EQ(config->models.at("a").unload_timeout.count(), 4);
  EXPECT_EQ(config->models.at("a").health_check_timeout.count(), 15);
  EXPECT_EQ(config->models.at("b").ttl.count(), 0);
  EXPECT_EQ(config->models.at("b").unload_timeout.count(), 7);
  EXPECT_EQ(config->models.at("b").health_check_timeout.count(), 40);
}

TEST(Config, PriorityMayBeGivenToAnAlias) {
  const auto config = good(
      "models: {m: {cmd: \"x ${PORT}\", aliases: [fast]}}\n"
      "routing: {scheduler: {settings: {fifo: {priority: {fast: 7}}}}}\n");
  EXPECT_EQ(config->priority.at("fast"), 7);
}

TEST(Config, AMemberGivenByItsAliasIsTheModel) {
  const auto config = good(
      "models: {m: {cmd: \"x ${PORT}\", aliases: [n]}, o: {cmd: \"x ${PORT}\"}}\n"
      "groups: {g: {swap: false, members: [n, o]}}\n");
  EXPECT_TRUE(config->residency->may_coexist("m", "o"));
}

TEST(Config, AUnixSocketIsAnAddress) {
  const auto config = good("models: {m: {cmd: x, proxy: \"unix:/run/m.sock\"}}\n");
  EXPECT_EQ(config->models.at("m").endpoint.unix_path, "/run/m.sock");
}

TEST(Config, NumbersAreThoseOfYaml) {
  const auto config = good(
      "startPort: 0x1b58\nmetricsMaxInMemory: 10_000\nglobalTTL: 1e3\nunloadTimeout: 0o17\n"
      "healthCheckTimeout: 300.0\ncaptureBuffer: +0b11\n"
      "models: {a: {cmd: \"x ${PORT}\"}}\n"
      "routing: {scheduler: {settings: {fifo: {priority: {a: 1_0}}}}}\n");
  EXPECT_EQ(config->models.at("a").port, 7000);
  EXPECT_EQ(config->metrics_max_in_memory, 10'000);
  EXPECT_EQ(config->models.at("a").ttl.count(), 1000);
  EXPECT_EQ(config->models.at("a").unload_timeout.count(), 15);
  EXPECT_EQ(config->health_check_timeout.count(), 300);
  EXPECT_EQ(config->capture_buffer_mb, 3);
  EXPECT_EQ(config->priority.at("a"), 10);
  for (const char* const text :
       {"1.5", "_1", "0x", "1e30", "1 000", "0b2", "99999999999999999999"}) {
    EXPECT_EQ(problems_of(fmt::format("metricsMaxInMemory: {}\n", text)).size(), 1u) << text;
  }
}

TEST(Config, TruthsAreThoseOfYaml) {
  for (const char* const yes : {"true", "True", "TRUE", "yes", "on", "Yes"}) {
    EXPECT_TRUE(good(std::string("includeAliasesInList: ") + yes + "\n")->include_aliases_in_list);
  }
  for (const char* const no : {"false", "False", "no", "OFF"}) {
    EXPECT_FALSE(good(std::string("includeAliasesInList: ") + no + "\n")->include_aliases_in_list);
  }
}

TEST(Config, ASelectorMayHaveThePlainNameOfAPeersModel) {
  good(
      "peers: {p: {proxy: \"http://h:1\", models: [m]}}\n"
      "selectors: {m: {strategy: pin, targets: [p/m]}}\n");
}

TEST(Config, AModelWithoutACommandIsThatOfThePeers) {
  const std::string peers = "peers: {far: {proxy: \"http://h:1\", models: [m]}}\n";
  const auto config =
      good(peers +
           "models: {m: {aliases: [n], filters: {setParamsByID: {\"${MODEL_ID}:x\": "
           "{t: 1}}}}}\nselectors: {s: {strategy: pin, targets: [\"m:x\"]}}\n");
  EXPECT_EQ(config->find_model("m"), nullptr);
  EXPECT_EQ(config->find_model("n"), nullptr);
  EXPECT_EQ(config->name_at_peers("n"), "m");
  EXPECT_EQ(config->name_at_peers("m:x"), "m");
  EXPECT_EQ(config->name_at_peers("far/m"), "far/m");
  EXPECT_THAT(config->peer_models.at("m").aliases, ElementsAre("n", "m:x"));
  (void)good(
      "peers: {far: {proxy: \"http://h:1\", models: [m], filters: {setParamsByID: {\"m:fast\": {t: "
      "1}}}}}\nmodels: {m: {aliases: [\"m:fast\"]}}\n");
  EXPECT_THAT(problems_of(peers + "models: {other: {}}\n"),
              ElementsAre(HasSubstr("cannot be started")));
  EXPECT_THAT(problems_of("peers: {far: {proxy: \"http://h:1\"}}\nmodels: {other: {}}\n"),
              ElementsAre(HasSubstr("only a peer that lists a model of this name can serve it")));
  EXPECT_NE(good(peers + "models: {m: {cmd: \"x ${PORT}\"}}\n")->find_model("m"), nullptr);
}

TEST(Config, AModelOfTwoPeersNeedsItsFullName) {
  const std::string peers =
      "peers:\n  p: {proxy: \"http://h:1\", models: [m]}\n  q: {proxy: \"http://h:2\", models: "
      "[m]}\n";
  good(peers + "selectors: {s: {strategy: pin, targets: [q/m]}}\n");
  EXPECT_THAT(problems_of(peers + "selectors: {s: {strategy: pin, targets: [m]}}\n"),
              ElementsAre(HasSubstr("no model is called \"m\"")));
}

TEST(Config, AnExpressionThatMacrosChangedHasOnlyItsBeginning) {
  EXPECT_THAT(problems_of("macros: {x: a}\nmodels: {a: {cmd: \"x ${PORT}\"}}\n"
                          "matrix:\n  sets:\n    s: ${x} & zz\n"),
              ElementsAre("c.yaml:5:8: matrix.sets.s: unknown var or model \"zz\""));
}

TEST(Config, SetsKeepTheOrderOfTheFile) {
  const auto config = good(
      "models: {coder: {cmd: \"x ${PORT}\"}, vision: {cmd: \"x ${PORT}\"}, speech: {cmd: \"x "
      "${PORT}\"}}\nmatrix: {sets: {z_pref: coder & vision, a_alt: coder & speech}}\n");
  EXPECT_THAT(config->residency->make_room("coder", {"speech", "vision"}).evict,
              ElementsAre("speech"));
}

TEST(Config, AnEmptyEntryOfAListIsNone) {
  const auto config = good(
      "models: {a: {cmd: \"x ${PORT}\", aliases: [~, b, null], env: [~]}}\n"
      "hooks: {on_startup: {preload: [~]}}\n");
  EXPECT_THAT(config->models.at("a").aliases, ElementsAre("b"));
  EXPECT_THAT(config->models.at("a").env, IsEmpty());
  EXPECT_THAT(config->preload, IsEmpty());
}

TEST(Config, AnIdentityIsChosenAmongTwo) {
  EXPECT_EQ(good("{}")->identity, "llama-swap");
  EXPECT_EQ(good("identity: rouse\n")->identity, "rouse");
  EXPECT_THAT(problems_of("identity: ollama\n"), ElementsAre(HasSubstr("llama-swap or rouse")));
}

TEST(Config, TheBaselineIsLoadedAtTheStart) {
  const auto config = good(
      "models: {a: {cmd: \"x ${PORT}\"}, b: {cmd: \"x ${PORT}\", baseline: true}, c: {cmd: \"x "
      "${PORT}\", baseline: true, unevictable: true}}\nhooks: {on_startup: {preload: [c, a]}}\n");
  EXPECT_THAT(config->preload, ElementsAre("c", "a", "b"));
  EXPECT_TRUE(config->models.at("c").unevictable);
}

TEST(Config, ListsAreCleanedUp) {
  const auto config = good(
      "ui: {activity: {session_id: [\" X-A \", x-a, \"\", X-B]}}\nupstream: {ignorePaths: []}\n");
  EXPECT_THAT(config->activity_session_id, ElementsAre("X-A", "X-B"));
  EXPECT_EQ(config->upstream_ignore_paths.size(), 1u);
}

TEST(Config, ComfyUiAsksForManyThingsAtOnce) {
  const auto config = good("models: {comfyui_auto: {cmd: \"x ${PORT}\", concurrencyLimit: 3}}\n");
  EXPECT_EQ(config->models.at("comfyui_auto").concurrency_limit, 50);
  EXPECT_TRUE(config->models.at("comfyui_auto").ignore_websockets);
}

TEST(Config, SamplesOfTheMachine) {
  using std::chrono::seconds;
  EXPECT_EQ(good("performance: {every: 90s}\n")->performance_every, seconds(90));
  EXPECT_EQ(good("performance: {every: 0}\n")->performance_every, seconds(5)) << "as the peer";
  EXPECT_TRUE(good("performance: {disabled: true}\n")->performance_disabled);
  EXPECT_FALSE(good("models: {}\n")->metrics_of_llama_swap);
  EXPECT_TRUE(good("metrics: {compat: llama-swap}\n")->metrics_of_llama_swap);
}

}  // namespace
}  // namespace rouse
