#include "base/text/secrets.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Secrets, AreNamedByTheirOptionsAndVariables) {
  for (const char* const name :
       {"--api-key", "--hf-token", "-hft", "HF_TOKEN", "apiKey", "x-api-key", "dbPassword",
        "OPENAI_API_KEY", "AWS_SECRET", "secret", "key", "authToken", "APIKEY"}) {
    EXPECT_TRUE(is_secret_name(name)) << name;
  }
  for (const char* const name : {"--api-key-file", "--max-tokens", "--tokenizer", "--port", "-m",
                                 "monkey", "turkey", "", "--ssl-key-file", "-ngl"}) {
    EXPECT_FALSE(is_secret_name(name)) << name;
  }
}

TEST(Secrets, OfACommandAreHidden) {
  const auto hidden = [](const char* text) { return hide_secrets(text); };
  EXPECT_EQ(hidden("llama-server --api-key abcd --port 8080"),
            "llama-server --api-key *** --port 8080");
  EXPECT_EQ(hidden("x --api-key=abcd -m a.gguf"), "x --api-key=*** -m a.gguf");
  EXPECT_EQ(hidden("x --hf-token 'a b' y"), "x --hf-token *** y");
  EXPECT_EQ(hidden("docker run -e HF_TOKEN=abcd -e A=b img"),
            "docker run -e HF_TOKEN=*** -e A=b img");
  EXPECT_EQ(hidden("docker run --env=HF_TOKEN=abcd"), "docker run --env=HF_TOKEN=***");
  EXPECT_EQ(hidden("curl -H \"Authorization: Bearer abcd\" http://x"),
            "curl -H \"Authorization: Bearer ***\" http://x");
  EXPECT_EQ(hidden("bash -c 'K_TOKEN=abcd exec y'"), "bash -c 'K_TOKEN=*** exec y'");
  EXPECT_EQ(hidden("x --proxy http://me:abcd@10.0.0.1:80/p?api_key=efgh&n=1"),
            "x --proxy http://me:***@10.0.0.1:80/p?api_key=***&n=1");
  EXPECT_EQ(hidden("x --verbose-token --port 1"), "x --verbose-token --port 1")
      << "it has no value";
}

TEST(Secrets, LeaveTheRestAsItIs) {
  for (const char* const text :
       {"llama-server  -m /m/a.gguf \\\n  --port 8080 -ngl 99", "x --max-tokens 16", "a=b", "=", "",
        "x http://10.0.0.1:80/a@b", "x --api-key", "x 'open quote --port 1"}) {
    EXPECT_EQ(hide_secrets(text), text);
  }
}

TEST(Secrets, CanBeToldToWhoeverHidesThemElsewhere) {
  std::vector<std::string> values;
  EXPECT_EQ(hide_secrets("x --api-key 'ab cd' http://u:efgh@h K_KEY=ij", &values),
            "x --api-key *** http://u:***@h K_KEY=***");
  EXPECT_THAT(values, ElementsAre("ab cd", "efgh", "ij"));
  EXPECT_EQ(hide_values("efgh, ab cd: ij efgh", values), "***, ***: ij ***");
  EXPECT_THAT(secret_values({"x", "--api-key", "ab cd", "HF_TOKEN=it's so", "-m", "a b"}),
              ElementsAre("ab cd", "it's so"));
  std::vector<std::string> none;
  EXPECT_EQ(hide_secrets("plain", &none), "plain");
  EXPECT_THAT(none, IsEmpty());
}

}  // namespace
}  // namespace rouse
