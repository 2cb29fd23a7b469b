#include "tests/integration/demo_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kChat = "/v1/chat/completions";

std::string title(std::string_view model) {
  return fmt::format(
      R"({{"model":"{}","tools":[],"messages":[{{"role":"user","content":"hello"}}],)"
      R"("response_format":{{"json_schema":{{"schema":{{"properties":{{"title":{{}}}}}}}}}}}})",
      model);
}

const std::string kNoLinger = "schedule: {linger: 0s, minResidency: 0s}\n";

TEST(Aux, ATitleLetsTheTurnGoFirst) {
  World world(models({fake_model("small"), fake_model("big", "--load-ms 300")},
                     kNoLinger + "aux: {patience: 5s}"));
  HttpProbe asks_title = world.connect();
  ASSERT_TRUE(asks_title.send_request("POST", kChat, title("small")));
  ASSERT_TRUE(wait_until([&] {
    return world.get("/metrics")
               .body.find(R"(rouse_requests_in_flight{model="small",phase="reading"} 1)") !=
           std::string::npos;
  }));
  EXPECT_EQ(world.post(kChat, chat("big")).status, 200);
  EXPECT_THAT(world.log(), Not(HasSubstr("start small")));
  const ProbeResponse answer = asks_title.read_response();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("x-rouse-aux"), "low priority");
  EXPECT_THAT(answer.header("x-fake-engine"), HasSubstr("small:"));
}

TEST(Aux, ALoadedModelAnswersWhereThatIsAllowed) {
  World world(
      models({fake_model("small"), fake_model("big")}, kNoLinger + "aux: {answerBy: [big]}"));
  EXPECT_EQ(world.post(kChat, chat("big")).status, 200);
  const ProbeResponse answer = world.post(kChat, title("small"));
  EXPECT_EQ(answer.header("x-rouse-aux"), "answered by big");
  EXPECT_THAT(answer.header("x-fake-engine"), HasSubstr("big:"));
  EXPECT_THAT(answer.body, HasSubstr(R"("model":"big")"));
  const ProbeResponse counted =
      world.post("/v1/messages/count_tokens", R"({"model":"small","messages":[]})");
  EXPECT_EQ(counted.header("x-rouse-aux"), "answered by big");
  EXPECT_THAT(world.log(), Not(HasSubstr("start small")));
}

TEST(Aux, AHealthCheckLoadsNothingWhereThatIsRefused) {
  World world(models({fake_model("small"), fake_model("big")},
                     kNoLinger + "aux: {ifNotLoaded: refuse, answerBy: [big]}"));
  const ProbeResponse refused = world.post(kChat, title("small"));
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("aux.ifNotLoaded"));
  EXPECT_EQ(world.post("/v1/embeddings", R"({"model":"small","input":["test"]})").status, 409);
  EXPECT_THAT(world.children(), testing::IsEmpty());
  EXPECT_EQ(world.post("/v1/embeddings", R"({"model":"small","input":"two words"})").status, 200);
  EXPECT_EQ(world.post(kChat, title("small")).status, 200) << "it is loaded";
}

TEST(Aux, AnEmbeddingIsNotForAnotherModel) {
  World world(models({fake_model("small"), fake_model("big")},
                     kNoLinger + "aux: {patience: 10ms, answerBy: [big]}"));
  EXPECT_EQ(world.post(kChat, chat("big")).status, 200);
  const ProbeResponse answer = world.post("/v1/embeddings", R"({"model":"small","input":"test"})");
  EXPECT_EQ(answer.header("x-rouse-aux"), "low priority");
  EXPECT_THAT(answer.header("x-fake-engine"), HasSubstr("small:"));
}

TEST(Aux, ItsOwnModelAnswersWhenItIsLoaded) {
  World world(
      models({fake_model("small"), fake_model("big")},
             "aux: {answerBy: [big]}\ngroups: {all: {swap: false, members: [small, big]}}"));
  EXPECT_EQ(world.post(kChat, chat("big")).status, 200);
  EXPECT_EQ(world.post(kChat, chat("small")).status, 200);
  const ProbeResponse answer = world.post(kChat, title("small"));
  EXPECT_FALSE(answer.has_header("x-rouse-aux"));
  EXPECT_THAT(answer.header("x-fake-engine"), HasSubstr("small:"));
}

TEST(Aux, RulesSayWhatElseIsOneAndOffIsOff) {
  World rules(models({fake_model("small"), fake_model("big")},
                     kNoLinger + "aux: {answerBy: [big], rules: ['You are a title generator']}"));
  EXPECT_EQ(rules.post(kChat, chat("big")).status, 200);
  EXPECT_EQ(
      rules.post(kChat, chat("small", false, "You are a title generator")).header("x-rouse-aux"),
      "answered by big");
  World off(models({fake_model("small"), fake_model("big")},
                   kNoLinger + "aux: {enabled: false, answerBy: [big]}"));
  EXPECT_EQ(off.post(kChat, chat("big")).status, 200);
  const ProbeResponse answer = off.post(kChat, title("small"));
  EXPECT_FALSE(answer.has_header("x-rouse-aux"));
  EXPECT_THAT(answer.header("x-fake-engine"), HasSubstr("small:"));
}

}  // namespace
}  // namespace rouse::test
