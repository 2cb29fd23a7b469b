#include "proxy/wire/ollama_models.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace rouse::wire {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

ModelEntry entry(const std::string& id) {
  ModelEntry made;
  made.id = id;
  return made;
}

TEST(OllamaModels, EachNameHasATag) {
  EXPECT_EQ(with_tag("qwen"), "qwen:latest");
  EXPECT_EQ(with_tag("qwen:7b"), "qwen:7b");
  EXPECT_EQ(with_tag("host:80/qwen"), "host:80/qwen:latest");
  EXPECT_EQ(with_tag(""), "");
  EXPECT_EQ(other_tag("qwen:latest"), "qwen");
  EXPECT_EQ(other_tag("qwen"), "qwen:latest");
  EXPECT_EQ(other_tag("qwen:7b"), "");
}

TEST(OllamaModels, AreListedByEveryNameThatCountsOnce) {
  ModelEntry a = entry("a");
  a.aliases = {"also", "b"};
  ModelEntry hidden = entry("hidden");
  hidden.is_hidden = true;
  hidden.aliases = {"shown"};
  const std::string plain = ollama_tags({a, entry("b"), hidden}, false, "now");
  EXPECT_THAT(plain, AllOf(HasSubstr(R"("name":"a:latest","model":"a:latest","modified_at":"now")"),
                           HasSubstr("\"b:latest\""), HasSubstr("\"shown:latest\""),
                           Not(HasSubstr("also")), Not(HasSubstr("hidden"))));
  EXPECT_THAT(ollama_tags({a}, true, "now"), HasSubstr("\"also:latest\""));
  EXPECT_EQ(ollama_tags({}, true, "now"), R"({"models":[]})");
}

TEST(OllamaModels, HaveADigestThatTheCommandLineCanCut) {
  const std::string text = ollama_tags({entry("a")}, false, "now");
  const std::size_t at = text.find(R"("digest":")") + 10;
  EXPECT_EQ(text.find('"', at) - at, 64U);
  EXPECT_THAT(ollama_ps({{entry("a"), "then"}}), HasSubstr(text.substr(at, 64)));
  EXPECT_THAT(ollama_tags({entry("b")}, false, "now"), Not(HasSubstr(text.substr(at, 64))));
}

TEST(OllamaModels, SayWhatTheyCanDo) {
  ModelEntry able = entry("a");
  able.name = "Able";
  able.can.in = {"text", "image", "audio"};
  able.can.tools = true;
  able.can.context = 4096;
  const std::string text = ollama_show(able, "now");
  EXPECT_THAT(text, HasSubstr(R"("capabilities":["completion","tools","vision","audio"])"));
  EXPECT_THAT(
      text,
      HasSubstr(
          R"("general.architecture":"rouse","general.basename":"Able","rouse.context_length":4096)"));
  EXPECT_THAT(ollama_show(entry("a"), "now"), AllOf(HasSubstr(R"("capabilities":["completion"])"),
                                                    Not(HasSubstr("context_length"))));
  ModelEntry ranks = entry("r");
  ranks.can.reranker = true;
  EXPECT_THAT(ollama_show(ranks, "now"), HasSubstr(R"("capabilities":[])"));
  ModelEntry embeds = entry("e");
  embeds.can.embedding = true;
  EXPECT_THAT(ollama_show(embeds, "now"), HasSubstr(R"("capabilities":["embedding"])"));
}

TEST(OllamaModels, AreLoadedUntilSomeTime) {
  ModelEntry a = entry("a");
  a.can.context = 8;
  EXPECT_THAT(ollama_ps({{a, "then"}}),
              AllOf(HasSubstr(R"("name":"a:latest")"), HasSubstr(R"("expires_at":"then")"),
                    HasSubstr(R"("context_length":8)")));
}

}  // namespace
}  // namespace rouse::wire
