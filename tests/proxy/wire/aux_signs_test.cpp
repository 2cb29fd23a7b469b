#include "proxy/wire/aux_signs.hpp"

#include <gtest/gtest.h>

namespace rouse::wire {
namespace {

bool is_aux(std::string_view body) {
  return core::is_aux(aux_signs(body), 16);
}

TEST(AuxSigns, ATinyAnswerIsOne) {
  EXPECT_TRUE(is_aux(R"({"model":"a","max_tokens":1,"messages":[]})"));
  EXPECT_TRUE(is_aux(R"({"max_completion_tokens":16})"));
  EXPECT_TRUE(is_aux(R"({"max_output_tokens":16})"));
  EXPECT_FALSE(is_aux(R"({"max_tokens":17})"));
  EXPECT_FALSE(is_aux(R"({"messages":[{"max_tokens":1}]})"));
}

TEST(AuxSigns, AnEmbeddingOfOneWordIsOne) {
  const auto is_one = [](std::string_view body) { return core::is_aux(embedding_signs(body), 16); };
  EXPECT_TRUE(is_one(R"({"model":"e","input":"test"})"));
  EXPECT_TRUE(is_one(R"({"model":"e","input":["test"]})"));
  EXPECT_FALSE(is_one(R"({"input":"two words"})"));
  EXPECT_FALSE(is_one(R"({"input":["one","two"]})"));
  EXPECT_FALSE(is_one(R"({"input":[]})"));
  EXPECT_FALSE(is_one(R"({"input":[1,2]})")) << "tokens";
  EXPECT_FALSE(is_one(R"({"model":"e"})"));
  EXPECT_FALSE(is_one("no JSON"));
}

TEST(AuxSigns, ATitleWithoutToolsIsOne) {
  const std::string schema = R"({"type":"object","properties":{"title":{"type":"string"}}})";
  EXPECT_TRUE(
      is_aux(R"({"tools":[],"response_format":{"json_schema":{"schema":)" + schema + "}}}"));
  EXPECT_TRUE(is_aux(R"({"tools":[],"text":{"format":{"schema":)" + schema + "}}}"));
  EXPECT_TRUE(is_aux(R"({"tools":[],"output_config":{"format":{"schema":)" + schema + "}}}"));
  EXPECT_FALSE(is_aux(R"({"tools":[{}],"text":{"format":{"schema":)" + schema + "}}}"));
  EXPECT_FALSE(is_aux(R"({"text":{"format":{"schema":)" + schema + "}}}"));
  EXPECT_FALSE(is_aux(R"({"tools":[]})")) << "a plain chat";
}

TEST(AuxSigns, NonsenseIsNone) {
  EXPECT_FALSE(is_aux(""));
  EXPECT_FALSE(is_aux("[]"));
  EXPECT_FALSE(is_aux(R"({"max_tokens":)"));
  EXPECT_FALSE(is_aux(R"({"max_tokens":"1"})"));
}

TEST(AuxSigns, ARuleIsEnough) {
  core::AuxSigns signs;
  EXPECT_FALSE(core::is_aux(signs, 16));
  signs.fits_rule = true;
  EXPECT_TRUE(core::is_aux(signs, 16));
}

}  // namespace
}  // namespace rouse::wire
