#include "proxy/wire/model_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace rouse::wire {
namespace {

using testing::HasSubstr;
using testing::Not;

ModelEntry entry(const std::string& id) {
  ModelEntry model;
  model.id = id;
  return model;
}

TEST(ModelList, LeavesOutWhatIsEmpty) {
  EXPECT_EQ(models_json({}, false, {"us", 7}), R"({"object":"list","data":[]})");
  EXPECT_EQ(models_json({entry("m")}, false, {"us", 7}),
            R"({"object":"list","data":[{"id":"m","object":"model","created":7,)"
            R"("owned_by":"us","meta":{"llamaswap":{"type":"model"}},)"
            R"("status":{"value":"unloaded"}}]})");
}

TEST(ModelList, SaysAllThatIsKnown) {
  ModelEntry model = entry("m");
  model.name = "Name";
  model.description = "Text";
  model.aliases = {"a", "b"};
  model.metadata_json = R"({"x":1,"type":"mine","context_length":9,"y":{"z":[true]}})";
  model.can.in = {"text", "image"};
  model.can.out = {"text"};
  model.can.tools = true;
  model.can.context = 32000;
  model.is_typed = true;
  model.loaded = true;
  EXPECT_EQ(
      model_json(model, {"us", 7}),
      R"({"id":"m","object":"model","created":7,"owned_by":"us","name":"Name",)"
      R"("description":"Text","architecture":{"input_modalities":["text","image"],)"
      R"("output_modalities":["text"],"modality":"text+image->text"},)"
      R"("capabilities":{"vision":true,"function_calling":true},)"
      R"("supported_parameters":["tools","tool_choice"],"context_length":32000,)"
      R"("max_model_len":32000,"meta":{"llamaswap":{"type":"model","aliases":["a","b"],"x":1,"y":{"z":[true]}},)"
      R"("n_ctx":32000},"status":{"value":"loaded"}})");
}

TEST(ModelList, IsSortedAndListsAliasesOnlyWhenAsked) {
  ModelEntry z = entry("z");
  z.aliases = {"a", "m"};
  const std::string without = models_json({z, entry("m")}, false, {"us", 1});
  EXPECT_LT(without.find(R"("id":"m")"), without.find(R"("id":"z")"));
  EXPECT_THAT(without, Not(HasSubstr(R"("id":"a")")));

  const std::string with = models_json({z, entry("m")}, true, {"us", 1});
  EXPECT_THAT(with, HasSubstr(R"({"id":"a","object":"model","created":1,"owned_by":"us",)"
                              R"("meta":{"llamaswap":{"type":"alias","modelID":"z"}})"));
  EXPECT_LT(with.find(R"("id":"a")"), with.find(R"("id":"m")"));
  // An alias that equals an id hides nothing.
  EXPECT_EQ(with.find(R"("id":"m")"), with.rfind(R"("id":"m")"));
  EXPECT_THAT(with, HasSubstr(R"("id":"m","object":"model","created":1,"owned_by":"us",)"
                              R"("meta":{"llamaswap":{"type":"model"}})"));
}

struct Ability {
  std::vector<std::string> in;
  std::vector<std::string> out;
  bool reranker;
  const char* capabilities;
};

TEST(ModelList, DerivesCapabilitiesFromModalities) {
  const Ability table[] = {
      {{"audio"}, {"text"}, false, R"("capabilities":{"audio_transcriptions":true})"},
      {{"text"}, {"audio"}, false, R"("capabilities":{"audio_speech":true})"},
      {{"text"}, {"image"}, false, R"("capabilities":{"image_generation":true})"},
      {{"image"}, {"image"}, false, R"("capabilities":{"vision":true,"image_to_image":true})"},
      {{}, {}, true, R"("capabilities":{"reranker":true})"},
  };
  for (const Ability& row : table) {
    ModelEntry model = entry("m");
    model.can.in = row.in;
    model.can.out = row.out;
    model.can.reranker = row.reranker;
    EXPECT_THAT(model_json(model, {"us", 1}), HasSubstr(row.capabilities));
  }
  ModelEntry answers_in_sound = entry("m");
  answers_in_sound.can.in = answers_in_sound.can.out = {"audio"};
  EXPECT_THAT(model_json(answers_in_sound, {"us", 1}), Not(HasSubstr("capabilities")));
  ModelEntry only_context = entry("m");
  only_context.can.context = 4096;
  EXPECT_THAT(model_json(only_context, {"us", 1}), Not(HasSubstr("capabilities")));
  EXPECT_THAT(model_json(only_context, {"us", 1}), HasSubstr(R"("context_length":4096)"));
}

TEST(ModelList, HidesNoMetadataForWhatNobodyTyped) {
  ModelEntry model = entry("m");
  model.metadata_json = R"({"context_length":9})";
  model.can.context = 4096;
  EXPECT_THAT(model_json(model, {"us", 7}),
              HasSubstr(R"("type":"model","context_length":9},"n_ctx":4096)"));
}

TEST(ModelList, SurvivesMetadataThatIsNoObject) {
  ModelEntry model = entry("m");
  for (const char* text : {"[1]", "nonsense", "3"}) {
    model.metadata_json = text;
    EXPECT_THAT(model_json(model, {"us", 1}),
                HasSubstr(R"("meta":{"llamaswap":{"type":"model"}})"));
  }
}

}  // namespace
}  // namespace rouse::wire
