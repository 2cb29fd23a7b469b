#include "proxy/config/config.hpp"

#include "proxy/config/check_report.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

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
    {"Syntax", "models: [", "c.yaml:1:1: this is not YAML: end of sequence flow not found"},
    {"NotAMapping", "- a\n", "c.yaml:1:1: expected a mapping, got a list"},
    {"MisspeltKey", "helthCheckTimeout: 20\n",
     "c.yaml:1:1: helthCheckTimeout: warning: unknown key, ignored; did you mean "
     "\"healthCheckTimeout\"?"},
    {"MisspeltModelKey", "models:\n  a:\n    cmd: x ${PORT}\n    prxy: y\n",
     "c.yaml:4:5: models.a.prxy: warning: unknown key, ignored; did you mean \"proxy\"?"},
    {"DuplicateKey", "logLevel: info\nlogLevel: warn\n",
     "c.yaml:2:1: logLevel: this key was already given in line 1"},
    {"WrongKind", "models: 5\n", "c.yaml:1:9: models: expected a mapping, got \"5\""},
    {"NotANumber", "startPort: 80a\n",
     "c.yaml:1:12: startPort: expected a whole number from 1 to 65535, got \"80a\""},
    {"OutOfRange", "startPort: 70000\n",
     "c.yaml:1:12: startPort: expected a whole number from 1 to 65535, got \"70000\""},
    {"NotATruth", "sendLoadingState: maybe\n",
     "c.yaml:1:19: sendLoadingState: expected true or false, got \"maybe\""},
    {"BadDuration", "waiting: {hold: soon}\n",
     "c.yaml:1:17: waiting.hold: expected a duration such as 90s, 250ms or 1m30s, got \"soon\""},
    {"OneOf", "logToStdout: all\n",
     "c.yaml:1:14: logToStdout: expected one of proxy|upstream|both|none, got \"all\""},
    {"Ttl", "models: {a: {cmd: \"x ${PORT}\", ttl: -2}}\n",
     "c.yaml:1:37: models.a.ttl: expected a whole number from -1 on, got \"-2\""},
    {"DuplicateAlias",
     "models:\n  a: {cmd: \"x ${PORT}\", aliases: [n]}\n  b: {cmd: \"x ${PORT}\", aliases: [n]}\n",
     "c.yaml:3:35: models.b.aliases[0]: duplicate alias n found in model: b (it belongs to a)"},
    {"PortWithoutCmd", "models: {a: {cmd: x, proxy: \"http://h:${PORT}\"}}\n",
     "c.yaml:1:29: models.a.proxy: model a: proxy uses ${PORT} but cmd does not - ${PORT} is only "
     "available when used in cmd"},
    {"UnknownMacro", "models: {a: {cmd: \"x ${nope} ${PORT}\"}}\n",
     "c.yaml:1:19: models.a.cmd: unknown macro '${nope}'"},
    {"ForwardMacro", "macros: {a: \"${b}\", b: c}\nmodels: {m: {cmd: \"${a} ${PORT}\"}}\n",
     "c.yaml:2:19: models.m.cmd: unknown macro '${b}'"},
    {"ReservedMacro", "macros: {PORT: 1}\n",
     "c.yaml:1:10: macros.PORT: macro name 'PORT' is reserved"},
    {"SelfReference", "macros: {a: \"x ${a}\"}\n",
     "c.yaml:1:13: macros.a: macro 'a' contains self-reference"},
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
     "c.yaml:4:13: matrix.sets.s: parse: missing closing parenthesis for the one opened at "
     "position 4"},
    {"EmptyKey", "apiKeys: [\"\"]\n", "c.yaml:1:11: apiKeys[0]: empty api key found in apiKeys"},
    {"KeyWithSpace", "apiKeys: [\"a b\"]\n",
     "c.yaml:1:11: apiKeys[0]: api key cannot contain spaces"},
    {"Priority", "routing: {scheduler: {settings: {fifo: {priority: {zz: 1}}}}}\n",
     "c.yaml:1:52: routing.scheduler.settings.fifo.priority.zz: no model is called \"zz\""},
    {"PeerWithoutModels", "peers: {p: {proxy: \"http://h:1\"}}\n",
     "c.yaml:1:12: peers.p.models: a peer needs models"},
    {"SelectorTarget", "selectors: {s: {strategy: pin, targets: [zz]}}\n",
     "c.yaml:1:42: selectors.s.targets[0]: no model is called \"zz\""},
    {"Profile", "profiles: {p: {pins: {x: zz}}}\n",
     "c.yaml:1:26: profiles.p.pins.x: no model, peer model or selector is called \"zz\""},
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
  EXPECT_THAT(problems_of(""), IsEmpty());
  EXPECT_NE(good("# nothing\n")->residency, nullptr);
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

TEST(Config, MacrosExpandFromTheLastToTheFirstAndModelsOverrideInPlace) {
  const auto config = good(
      "macros: {dir: /global, path: \"${dir}/x\"}\n"
      "models: {m: {cmd: \"run ${path} ${MODEL_ID} ${PORT}\", macros: {dir: /own}}}\n");
  EXPECT_EQ(config->models.at("m").cmd, "run /own/x m 5800");
}

TEST(Config, AMacroAloneInAValueKeepsItsType) {
  const auto config = good(
      "macros: {t: 60, yes: true}\nmodels: {m: {cmd: \"x ${PORT}\", ttl: \"${t}\", unlisted: "
      "\"${yes}\", metadata: {n: \"${t}\", s: \"t${t}\"}}}\n");
  EXPECT_EQ(config->models.at("m").ttl.count(), 60);
  EXPECT_TRUE(config->models.at("m").unlisted);
  EXPECT_EQ(config->models.at("m").metadata_json, R"({"n":60,"s":"t60"})");
}

TEST(Config, TheEnvironmentCannotChangeTheStructure) {
  ::setenv("ROUSE_TEST_VALUE", "a: b # \"c\"\\", 1);
  const auto config =
      good("models: {m: {cmd: \"x ${PORT}\", name: \"${env.ROUSE_TEST_VALUE}\"}}\n");
  EXPECT_EQ(config->models.at("m").name, "a: b # \"c\"\\");
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

TEST(Config, CommentLinesOfACommandGoBeforeMacrosAreLookedAt) {
  const auto config =
      good("models:\n  m:\n    cmd: |\n      run\n      # --x ${nope}\n      --port ${PORT}\n");
  EXPECT_THAT(config->models.at("m").argv, ElementsAre("run", "--port", "5800"));
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

TEST(Config, AliasesThatMultiplyAreBounded) {
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 40; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
            ", *a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_EQ(parse_config(bomb, "bomb").config, nullptr);
}

TEST(ConfigFiles, MergeAsThePeerDoes) {
  const test::TempDir dir;
  dir.write("a.yaml", "apiKeys: [one]\nmacros: {m: 1}\nmodels: {a: {cmd: \"x ${PORT} ${n}\"}}\n");
  dir.write("b.yml", "apiKeys: [two]\nmacros: {n: 2}\nmodels: {b: {cmd: \"x ${PORT} ${m}\"}}\n");
  dir.write("c.txt", "nonsense: [");
  const LoadedConfig loaded = load_config({"", dir.path().string()});
  ASSERT_NE(loaded.config, nullptr);
  EXPECT_THAT(loaded.config->api_keys, ElementsAre("one", "two"));
  EXPECT_EQ(loaded.config->models.at("a").cmd, "x 5800 2");
  EXPECT_EQ(loaded.config->models.at("b").cmd, "x 5801 1");
}

TEST(ConfigFiles, TwoDefinitionsOfOneModelAreAProblem) {
  const test::TempDir dir;
  dir.write("a.yaml", "models: {a: {cmd: \"x ${PORT}\"}}\n");
  dir.write("b.yaml", "models: {a: {cmd: \"y ${PORT}\"}}\n");
  const LoadedConfig loaded = load_config({"", dir.path().string()});
  EXPECT_EQ(loaded.config, nullptr);
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_THAT(loaded.problems.front().str(),
              HasSubstr("b.yaml:1:13: models.a: duplicate models \"a\""));
}

TEST(ConfigFiles, AMissingFileIsNamed) {
  const LoadedConfig loaded = load_config({"/nowhere/c.yaml", ""});
  EXPECT_EQ(loaded.config, nullptr);
  EXPECT_THAT(loaded.problems.front().str(),
              HasSubstr("/nowhere/c.yaml: cannot be read: No such file"));
}

TEST(CheckReport, SpellsOutSetsAndNeighbours) {
  const LoadedConfig loaded = parse_config(
      "models: {a: {cmd: \"x ${PORT}\"}, b: {cmd: \"x ${PORT}\"}, e: {cmd: \"x ${PORT}\"}}\n"
      "matrix: {sets: {s: (a | b) & e}}\nlogRequests: true\n",
      "c.yaml");
  ASSERT_NE(loaded.config, nullptr);
  const std::string report = check_report(loaded);
  EXPECT_THAT(report, HasSubstr("    a + e\n    b + e\n"));
  EXPECT_THAT(report, HasSubstr("  e  a, b\n"));
  EXPECT_THAT(report, HasSubstr("without effect in this version\n  logRequests\n"));
}

}  // namespace
}  // namespace rouse
