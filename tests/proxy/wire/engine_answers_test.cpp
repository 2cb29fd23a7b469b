#include "proxy/wire/engine_answers.hpp"

#include "proxy/wire/capabilities_json.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::wire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// The body of what a real llama-server has answered.
std::string recorded_body(const std::string& name) {
  const std::string all =
      test::read_file(test::test_data("llama-server-captures/" + name + ".http"));
  const std::size_t blank = all.find("\r\n\r\n");
  return blank == std::string::npos ? std::string() : all.substr(blank + 4);
}

TEST(EngineAnswers, OfARealLlamaServer) {
  EngineAnswers answers{recorded_body("props"), recorded_body("models"), {}};
  Capabilities can = read_answers(answers, "anything");
  EXPECT_EQ(can.context, 4096);
  EXPECT_THAT(can.in, ElementsAre("text"));
  EXPECT_THAT(can.out, ElementsAre("text"));
  EXPECT_EQ(can.tools, true);
  answers.props.clear();
  can = read_answers(answers, "anything");
  EXPECT_EQ(can.context, 4096) << "its list has it, too";
  EXPECT_THAT(can.in, IsEmpty());
}

TEST(EngineAnswers, TheContextIsThatOfASlotAndNotThatOfTheModel) {
  EngineAnswers answers;
  answers.props = R"({"default_generation_settings":{"n_ctx":1024},"total_slots":4})";
  answers.models = R"({"data":[{"id":"m","meta":{"n_ctx":4096,"n_ctx_train":131072}}]})";
  EXPECT_EQ(read_answers(answers, "m").context, 1024);
  answers.models = R"({"data":[{"id":"m","meta":{"n_ctx_train":131072}}]})";
  answers.props.clear();
  EXPECT_EQ(read_answers(answers, "m").context, 0);
}

TEST(EngineAnswers, PropsTellOfModalitiesAndTools) {
  Capabilities can = read_props(
      R"({"modalities":{"vision":true,"audio":true,"video":false},
          "chat_template_caps":{"supports_tools":false,"supports_tool_calls":false}})");
  EXPECT_THAT(can.in, ElementsAre("text", "image", "audio"));
  EXPECT_EQ(can.tools, false);
  EXPECT_EQ(read_props(R"({"chat_template_caps":{"supports_tool_calls":true}})").tools, true);
  EXPECT_EQ(read_props(R"({"chat_template_tool_use":"{{ x }}"})").tools, true);
  EXPECT_EQ(read_props(R"({"chat_template":"{{ x }}"})").tools, std::nullopt);
}

struct Told {
  const char* of;
  const char* list;
  int context;
};

TEST(EngineAnswers, AListTellsTheContextByWhateverName) {
  const Told table[] = {
      {"vLLM and SGLang", R"({"data":[{"id":"m","object":"model","max_model_len":32768}]})", 32768},
      {"rouse and llama-swap",
       R"({"data":[{"id":"m","context_length":8192,"meta":{"n_ctx":8192}}]})", 8192},
      {"LM Studio", R"({"data":[{"id":"m","max_context_length":2048}]})", 2048},
      {"a text", R"({"data":[{"id":"m","context_length":"8192"}]})", 0},
      {"nonsense", R"({"data":[{"id":"m","max_model_len":-1,"n_ctx":99999999999}]})", 0},
      {"no list", R"({"data":{"id":"m","max_model_len":1}})", 0},
      {"an empty list", R"({"data":[]})", 0},
      {"no JSON", "max_model_len", 0},
  };
  for (const Told& row : table) {
    EXPECT_EQ(read_answers({{}, row.list, {}}, "m").context, row.context) << row.of;
  }
}

TEST(EngineAnswers, OfSeveralModelsTheOneThatIsMeant) {
  const EngineAnswers answers{
      {}, R"({"data":[{"id":"a","max_model_len":1},{"id":"b","max_model_len":2}]})", {}};
  EXPECT_EQ(read_answers(answers, "b").context, 2);
  EXPECT_EQ(read_answers(answers, "c").context, 0);
}

TEST(EngineAnswers, InfoIsThatOfHuggingFacesServers) {
  Capabilities can = read_info(
      R"({"model_id":"x","max_input_length":512,"model_type":{"embedding":{"pooling":"cls"}}})");
  EXPECT_EQ(can.context, 512);
  EXPECT_EQ(can.embedding, true);
  EXPECT_EQ(can.reranker, std::nullopt);
  EXPECT_EQ(read_info(R"({"model_type":{"reranker":{}}})").reranker, true);
  EXPECT_EQ(read_info(R"({"max_input_tokens":1000,"max_total_tokens":2000})").context, 2000);
  EXPECT_EQ(read_answers({{}, {}, R"({"max_total_tokens":5})"}, "m").context, 5);
}

TEST(EngineAnswers, AreFoundByTheirPaths) {
  const EngineAnswers answers{"{\"p\":1}", "{\"m\":1}", ""};
  for (const char* const path : {"/props", "/props/"}) {
    ASSERT_NE(answers.at(path), nullptr) << path;
    EXPECT_EQ(*answers.at(path), answers.props);
  }
  for (const char* const path : {"/v1/models", "/models"}) {
    ASSERT_NE(answers.at(path), nullptr) << path;
    EXPECT_EQ(*answers.at(path), answers.models);
  }
  for (const char* const path : {"/info", "/health", "/slots", "/", ""}) {
    EXPECT_EQ(answers.at(path), nullptr) << path;
  }
}

TEST(EngineAnswers, OnlyAnObjectIsKept) {
  EXPECT_TRUE(is_json_object("{}"));
  for (const char* const text : {"", "[]", "1", "<html>", "{"}) {
    EXPECT_FALSE(is_json_object(text)) << text;
  }
}

TEST(ListedCapabilities, ComeBackAsTheyWereWritten) {
  Capabilities can;
  can.in = {"text", "image"};
  can.out = {"text"};
  can.tools = true;
  can.reranker = true;
  can.embedding = true;
  can.context = 4096;
  JsonWriter json;
  json.begin_object();
  write_capabilities(json, can);
  json.end_object();
  EXPECT_EQ(read_listed(json.take()), can);
}

TEST(ListedCapabilities, AreReadAsOthersWriteThem) {
  EXPECT_THAT(read_listed(R"({"capabilities":{"vision":true,"function_calling":false}})").in,
              ElementsAre("text", "image"));
  EXPECT_EQ(read_listed(R"({"capabilities":{"function_calling":false}})").tools, std::nullopt);
  EXPECT_EQ(read_listed(R"({"capabilities":["completion","tools"]})").tools, true);
  EXPECT_EQ(read_listed(R"({"capabilities":["tool_use"]})").tools, true);
  EXPECT_EQ(read_listed(R"({"capabilities":["embedding"]})").embedding, true);
  EXPECT_EQ(read_listed(R"({"supported_parameters":["seed","tools"]})").tools, true);
  const Capabilities can =
      read_listed(R"({"architecture":{"input_modalities":["text","smell","text"],)"
                  R"("output_modalities":["embeddings"]}})");
  EXPECT_THAT(can.in, ElementsAre("text"));
  EXPECT_THAT(can.out, IsEmpty());
  EXPECT_EQ(can.embedding, true);
  for (const char* const text : {"[]", "1", "nothing", R"({"capabilities":"vision"})"}) {
    EXPECT_TRUE(read_listed(text).is_empty()) << text;
  }
}

TEST(ListedCapabilities, AListHasTheModelsWithANameOnly) {
  const auto models = read_model_list(R"({"data":[{"id":"a"},{"id":""},{},{"id":7},"b"]})");
  ASSERT_TRUE(models);
  ASSERT_THAT(*models, SizeIs(1));
  EXPECT_EQ(models->front().id, "a");
  EXPECT_FALSE(read_model_list("{}"));
  EXPECT_FALSE(read_model_list("[]"));
}

}  // namespace
}  // namespace rouse::wire
