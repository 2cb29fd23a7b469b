#include "proxy/config/secrets.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

namespace rouse {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

class ConfigSecrets : public testing::Test {
 protected:
  void SetUp() override {
    for (const auto& [name, value] : kVariables) ::setenv(name, value, 1);
  }
  void TearDown() override {
    for (const auto& [name, value] : kVariables) ::unsetenv(name);
  }

  static std::shared_ptr<const Config> read(const std::string& text, bool looks_up_env = true) {
    const LoadedConfig loaded = parse_config(text, "c.yaml", looks_up_env);
    for (const Problem& problem : loaded.problems) ADD_FAILURE() << problem.str();
    return loaded.config ? loaded.config : std::make_shared<Config>();
  }

  static constexpr std::pair<const char*, const char*> kVariables[] = {{"T_ADMIN", "sesame-admin"},
                                                                       {"T_PEER", "sesame-peer"},
                                                                       {"T_RELAY", "sesame-relay"},
                                                                       {"T_ENGINE", "sesame-eng"},
                                                                       {"T_HF_TOKEN", "sesame-hf"},
                                                                       {"T_MODELS", "/srv/models"},
                                                                       {"T_ID", "named"}};
};

TEST_F(ConfigSecrets, AreTheVariablesOfKeysPeersAndTheirWakes) {
  const auto config = read(
      "macros: {admin: \"${env.T_ADMIN}\"}\n"
      "apiKeys: [\"${admin}\"]\n"
      "peers:\n"
      "  attic:\n"
      "    proxy: http://192.0.2.1:8080\n"
      "    apiKey: ${env.T_PEER}\n"
      "    models: [m]\n"
      "    wake:\n"
      "      mac: 00:11:22:33:44:55\n"
      "      relay: {url: \"http://192.0.2.2:9009\", token: \"${env.T_RELAY}\"}\n"
      "      command: ${env.HOME}/wake\n"
      "models:\n"
      "  a: {cmd: \"x --port ${PORT} -m ${env.T_MODELS}/a\", apiKey: \"${env.T_ENGINE}\"}\n");
  EXPECT_THAT(config->withheld, UnorderedElementsAre("T_ADMIN", "T_PEER", "T_RELAY", "T_ENGINE"));
  EXPECT_THAT(config->models.at("a").env, IsEmpty());
}

TEST_F(ConfigSecrets, AreForAModelThatNamesThem) {
  const auto config = read(
      "apiKeys: [\"${env.T_ADMIN}\"]\n"
      "macros: {token: \"--hf ${env.T_HF_TOKEN}\"}\n"
      "models:\n"
      "  a: {cmd: \"x --port ${PORT}\", env: [\"OURS=${env.T_ADMIN}\"]}\n"
      "  b: {cmd: \"x --port ${PORT} ${token}\"}\n"
      "  c: {cmd: \"x --port ${PORT}\"}\n"
      "  d: {cmd: \"x --port ${PORT}\", cmdStop: \"y ${env.T_ADMIN}\"}\n");
  EXPECT_THAT(config->models.at("a").env, ElementsAre("T_ADMIN=sesame-admin", "OURS=sesame-admin"));
  EXPECT_THAT(config->models.at("b").env, ElementsAre("T_HF_TOKEN=sesame-hf"));
  EXPECT_THAT(config->models.at("c").env, IsEmpty());
  EXPECT_THAT(config->models.at("d").env, ElementsAre("T_ADMIN=sesame-admin"));
}

TEST_F(ConfigSecrets, OfACommandAreNotShown) {
  const auto config = read(
      "macros: {key: \"${env.T_ENGINE}\", dir: /srv}\n"
      "models:\n"
      "  a:\n"
      "    cmd: |\n"
      "      x --port ${PORT} -m ${dir}/a --own ${key}\n"
      "      # ${env.T_UNSET}\n"
      "      --token-of ${env.T_HF_TOKEN}/end --api-key plain-key\n"
      "    proxy: http://127.0.0.1:${PORT}\n"
      "  b: {cmd: \"x --port ${PORT} -d ${env.HOME}\"}\n"
      "  ${env.T_ID}: {cmd: \"x --port ${PORT} ${env.T_ENGINE}\"}\n");
  const ModelConfig& a = config->models.at("a");
  EXPECT_THAT(a.argv, Contains("sesame-eng"));
  EXPECT_THAT(a.cmd_shown, Not(HasSubstr("sesame")));
  EXPECT_THAT(a.cmd_shown, HasSubstr("--port 5800 -m /srv/a --own ***\n"));
  EXPECT_THAT(a.cmd_shown, HasSubstr("--token-of ***/end --api-key ***"));
  const ModelConfig& b = config->models.at("b");
  EXPECT_EQ(b.cmd_shown, b.cmd) << "whose home it is, everybody knows";
  EXPECT_THAT(config->models.at("named").cmd_shown, testing::EndsWith(" ***"));
}

TEST_F(ConfigSecrets, AreNotLookedUpWhereNobodyMay) {
  const auto config = read(
      "models: {a: {cmd: \"x --port ${PORT} --own ${env.T_ENGINE} --api-key k-plain\"}}", false);
  EXPECT_EQ(config->models.at("a").cmd_shown, "x --port 5800 --own ${env.T_ENGINE} --api-key ***");
}

TEST_F(ConfigSecrets, StayHiddenWithAnotherPort) {
  const auto config = read("models: {a: {cmd: \"x --port ${PORT} --own ${env.T_ENGINE}\"}}");
  const auto moved = with_port(*config, "a", 6001);
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->cmd_shown, "x --port 6001 --own ***");
}

}  // namespace
}  // namespace rouse
