#include "proxy/config/config.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> problems_of(const std::string& text) {
  std::vector<std::string> list;
  for (const Problem& problem : parse_config(text, "c.yaml").problems)
    list.push_back(problem.str());
  return list;
}

ModelConfig model(const std::string& text, const std::string& id = "m") {
  const LoadedConfig loaded = parse_config(text, "c.yaml");
  for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
  const ModelConfig* const found = loaded.config ? loaded.config->find_model(id) : nullptr;
  EXPECT_NE(found, nullptr);
  return found == nullptr ? ModelConfig() : *found;
}

TEST(Macros, ExpandFromTheLastToTheFirstAndModelsOverrideInPlace) {
  EXPECT_EQ(model("macros: {dir: /global, path: \"${dir}/x\"}\n"
                  "models: {m: {cmd: \"run ${path} ${MODEL_ID} ${PORT}\", macros: {dir: /own}}}\n")
                .cmd,
            "run /own/x m 5800");
}

TEST(Macros, AModelsOwnMayUseGlobalOnes) {
  EXPECT_EQ(
      model("macros: {dir: /d}\n"
            "models: {m: {cmd: \"${run} ${PORT}\", macros: {file: \"${dir}/${MODEL_ID}\", run: "
            "\"x ${file}\"}}}\n")
          .cmd,
      "x /d/m 5800");
}

TEST(Macros, AloneInAValueTheyKeepTheirType) {
  const ModelConfig found = model(
      "macros: {t: 60, y: true, q: \"60\"}\nmodels: {m: {cmd: \"x ${PORT}\", ttl: \"${t}\", "
      "unlisted: \"${y}\", metadata: {n: \"${t}\", s: \"t${t}\", q: \"${q}\", p: \"${PORT}\", "
      "id: \"${MODEL_ID}\"}}}\n");
  EXPECT_EQ(found.ttl.count(), 60);
  EXPECT_TRUE(found.unlisted);
  EXPECT_EQ(found.metadata_json, R"({"n":60,"s":"t60","q":"60","p":5800,"id":"m"})");
}

TEST(Macros, PartOfATextIsText) {
  EXPECT_EQ(model("macros: {t: 6}\nmodels:\n  m:\n    cmd: x ${PORT}\n    metadata:\n      n: "
                  "${t}0\n")
                .metadata_json,
            R"({"n":"60"})");
}

TEST(Macros, ReachEveryPartOfTheFile) {
  const LoadedConfig loaded = parse_config(
      "macros: {who: m, key: secret, set: \"m & o\"}\napiKeys: [\"${key}\"]\n"
      "models: {m: {cmd: \"x ${PORT}\"}, o: {cmd: \"x ${PORT}\"}}\n"
      "matrix: {sets: {s: \"${set}\"}}\nhooks: {on_startup: {preload: [\"${who}\"]}}\n",
      "c.yaml");
  ASSERT_NE(loaded.config, nullptr);
  EXPECT_THAT(loaded.config->api_keys, ElementsAre("secret"));
  EXPECT_THAT(loaded.config->preload, ElementsAre("m"));
  EXPECT_TRUE(loaded.config->residency->may_coexist("m", "o"));
}

TEST(Macros, NameTheAliasesOfParameters) {
  const std::string text =
      "macros: {q: fast}\nmodels: {m: {cmd: \"x ${PORT}\", filters: {setParamsByID: "
      "{\"${MODEL_ID}-${q}\": {t: 1}}}}}\n";
  EXPECT_EQ(model(text, "m-fast").id, "m");
  EXPECT_THAT(problems_of("macros: {q: a}\nmodels: {m: {cmd: \"x ${PORT}\", filters: "
                          "{setParamsByID: {\"${q}\": {}, a: {}}}}}\n"),
              ElementsAre("c.yaml:2:70: models.m.filters.setParamsByID: keys \"${q}\" and \"a\" "
                          "resolve to the same value"));
}

TEST(Macros, ThePortMayStandInAnAlias) {
  const std::string text =
      "startPort: 7000\nmodels: {m: {cmd: x ${PORT}, filters: {setParamsByID: {m-${PORT}: {t: "
      "1}}}}}\n";
  EXPECT_EQ(model(text, "m-7000").id, "m");
}

TEST(Macros, TheEnvironmentMayStandInFlowStyle) {
  ::setenv("ROUSE_TEST_KEY", "se{cr}et, x", 1);
  const LoadedConfig loaded = parse_config(
      "apiKeys: [${env.ROUSE_TEST_KEY}]\nmodels: {${env.ROUSE_TEST_ID}: {cmd: x ${PORT}}}\n", "c");
  ASSERT_EQ(loaded.problems.size(), 2u) << "a space, and an id that is not set";
  ::setenv("ROUSE_TEST_KEY", "se{cr}et", 1);
  ::setenv("ROUSE_TEST_ID", "m", 1);
  const LoadedConfig good = parse_config(
      "apiKeys: [${env.ROUSE_TEST_KEY}]\nmodels: {${env.ROUSE_TEST_ID}: {cmd: x ${PORT}}}\n", "c");
  ASSERT_NE(good.config, nullptr);
  EXPECT_THAT(good.config->api_keys, ElementsAre("se{cr}et"));
  EXPECT_TRUE(good.config->models.contains("m"));
}

TEST(Macros, PidIsForTheStopCommandOnly) {
  EXPECT_EQ(model("models: {m: {cmd: \"x ${PORT}\", cmdStop: \"kill ${PID}\"}}\n").cmd_stop,
            "kill ${PID}");
  EXPECT_THAT(problems_of("models: {m: {cmd: \"x ${PID} ${PORT}\"}}\n"),
              ElementsAre("c.yaml:1:19: models.m.cmd: ${PID} is known in cmdStop only"));
}

TEST(Macros, UnknownOnesAreLeftAloneInBlocksOfOnesOwn) {
  EXPECT_THAT(problems_of("x-defs: {x: \"${anything}\"}\n"), testing::IsEmpty());
  EXPECT_THAT(
      problems_of("apiKeys: [\"${anything}\"]\n"),
      ElementsAre("c.yaml:1:11: apiKeys[0]: unknown macro '${anything}': define it under macros:"));
  EXPECT_EQ(model("models: {m: {cmd: \"x ${PORT} ${a:-b} $HOME ${}\"}}\n").argv[2], "${a:-b}");
}

TEST(Macros, AFaultOfAModelsOwnSaysTheModel) {
  EXPECT_THAT(
      problems_of("models: {m: {cmd: \"x ${PORT}\", macros: {PID: 1}}}\n"),
      ElementsAre("c.yaml:1:41: models.m.macros.PID: model m: macro name 'PID' is reserved"));
  EXPECT_THAT(problems_of("macros: {\"a b\": 1}\n"),
              ElementsAre(HasSubstr("a macro's name is up to 63 letters, digits, _ and -")));
}

TEST(Macros, ThatDoubleAreBounded) {
  std::string text = "macros:\n  a0: xyz\n";
  for (int i = 1; i < 40; ++i) {
    const std::string before = "${a" + std::to_string(i - 1) + "}";
    text += "  a" + std::to_string(i) + ": \"" + before + before + "\"\n";
  }
  EXPECT_THAT(problems_of(text + "models: {m: {cmd: \"x ${PORT}\", name: \"${a39}\"}}\n"),
              ElementsAre(HasSubstr("models.m.name: too large once its macros are put in")));
}

TEST(Ports, GoByByteOrderOnlyToThoseWhoUseThem) {
  const std::string text =
      "startPort: 9000\nmodels:\n  b: {cmd: \"x ${PORT}\"}\n  B: {cmd: \"x ${PORT}\"}\n"
      "  a: {cmd: y, proxy: \"http://h:1\"}\n  c: {cmd: \"z\\n# ${PORT}\", proxy: \"http://h:2\"}\n"
      "  d: {cmd: \"x ${PORT}\"}\n";
  EXPECT_EQ(model(text, "B").port, 9000);
  EXPECT_EQ(model(text, "b").port, 9001);
  EXPECT_EQ(model(text, "d").endpoint.port, 9002);
  EXPECT_EQ(model(text, "a").port, std::nullopt);
  EXPECT_EQ(model(text, "c").port, std::nullopt);
}

TEST(Ports, MayStartAtAMacroAndEnd) {
  EXPECT_EQ(
      model("macros: {p: 7000}\nstartPort: \"${p}\"\nmodels: {m: {cmd: \"x ${PORT}\"}}\n").port,
      7000);
  EXPECT_THAT(problems_of("startPort: 65535\nmodels: {m: {cmd: \"x ${PORT}\"}, n: {cmd: \"x "
                          "${PORT}\"}}\n"),
              testing::Contains(HasSubstr("models.n.cmd: no port is left for ${PORT}")));
}

TEST(Environment, CannotChangeTheStructure) {
  ::setenv("ROUSE_TEST_VALUE", "a: b # \"c\"\\", 1);
  EXPECT_EQ(model("models: {m: {cmd: \"x ${PORT}\", name: \"${env.ROUSE_TEST_VALUE}\"}}\n").name,
            "a: b # \"c\"\\");
  EXPECT_EQ(model("models:\n  m:\n    cmd: x ${PORT}\n    name: ${env.ROUSE_TEST_VALUE}\n").name,
            "a: b # \"c\"\\");
}

TEST(Environment, ReachesKeys) {
  ::setenv("ROUSE_TEST_ID", "m", 1);
  EXPECT_EQ(model("models: {\"${env.ROUSE_TEST_ID}\": {cmd: \"x ${PORT}\"}}\n").id, "m");
  EXPECT_THAT(problems_of("models: {m: {cmd: \"x ${PORT}\"}, \"${env.ROUSE_TEST_ID}\": {cmd: \"x "
                          "${PORT}\"}}\n"),
              ElementsAre("c.yaml:1:33: models: \"m\" is given twice"));
}

TEST(Environment, WhatIsCommentedOutNeedNotBeSet) {
  const ModelConfig found = model(
      "# ${env.ROUSE_NOT_SET}\nmodels:\n  m:\n    cmd: |\n      run\n      # --x ${nope} "
      "${env.ROUSE_NOT_SET}\n      --port ${PORT}\n");
  EXPECT_THAT(found.argv, ElementsAre("run", "--port", "5800"));
}

TEST(Environment, AValueOfSeveralLinesIsRefused) {
  ::setenv("ROUSE_TEST_LINES", "a\nb", 1);
  EXPECT_THAT(problems_of("models: {m: {cmd: \"x ${PORT}\", name: \"${env.ROUSE_TEST_LINES}\"}}\n"),
              ElementsAre("c.yaml:1:38: models.m.name: environment variable 'ROUSE_TEST_LINES' "
                          "holds a line end"));
}

TEST(Environment, AValueThatNamesAnotherIsRefused) {
  ::setenv("ROUSE_TEST_NAMES", "${env.ROUSE_NOT_SET}", 1);
  EXPECT_THAT(problems_of("models: {m: {cmd: \"x ${PORT}\", ttl: \"${env.ROUSE_TEST_NAMES}\"}}\n"),
              ElementsAre("c.yaml:1:37: models.m.ttl: environment variable 'ROUSE_TEST_NAMES' "
                          "names another one"));
}

std::vector<std::string> problems_without_env(const std::string& text) {
  std::vector<std::string> list;
  for (const Problem& problem : parse_config(text, "c.yaml", false).problems) {
    list.push_back(problem.str());
  }
  return list;
}

constexpr const char* kSecrets =
    "startPort: ${env.ROUSE_NOT_SET}\nmacros: {url: \"${env.ROUSE_NOT_SET}\"}\n"
    "models:\n  m: {cmd: \"x ${PORT}\", ttl: \"${env.ROUSE_NOT_SET}\", checkEndpoint: "
    "\"${env.ROUSE_NOT_SET}\"}\n  n: {cmd: \"${env.ROUSE_NOT_SET}\"}\n"
    "peers: {p: {proxy: \"${url}\", wake: {mac: \"${env.ROUSE_NOT_SET}\"}}}\n"
    "keys: {k: {sha256: \"${env.ROUSE_NOT_SET}\", scopes: [\"${env.ROUSE_NOT_SET}\"]}}\n";

TEST(Environment, WhatIsNotSetIsOneFault) {
  const std::vector<std::string> found = problems_of(kSecrets);
  EXPECT_EQ(found.size(), 8U) << testing::PrintToString(found);
  for (const std::string& problem : found) {
    EXPECT_THAT(problem, HasSubstr("environment variable 'ROUSE_NOT_SET' is not set"));
  }
}

TEST(Environment, LeftOutOfACheckIsNoFaultAndHidesNone) {
  EXPECT_THAT(problems_without_env(kSecrets), testing::IsEmpty());
  EXPECT_THAT(
      problems_without_env(
          "models: {m: {cmd: \"x --key ${env.ROUSE_NOT_SET} ${PROT} ${PORT}\"}}\n"),
      ElementsAre("c.yaml:1:19: models.m.cmd: unknown macro '${PROT}'; did you mean ${PORT}?"));
  // Set or not: it is not looked up.
  ::setenv("ROUSE_TEST_VALUE", "seven", 1);
  EXPECT_THAT(problems_without_env("startPort: ${env.ROUSE_TEST_VALUE}\n"), testing::IsEmpty());
  EXPECT_THAT(problems_without_env("startPort: seven\n"), testing::SizeIs(1));
  EXPECT_THAT(problems_without_env("startPort: ${env.}\n"), testing::SizeIs(1));
}

}  // namespace
}  // namespace rouse
