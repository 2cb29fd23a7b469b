#include "proxy/peers/probe.hpp"

#include "tests/base/http/stream_fixture.hpp"
#include "tests/proxy/scripted_server.hpp"
#include "tests/support/wait_until.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using core::peer::Sign;
using test::http_answer;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Answers by the path: what is not in the map is a 404.
class ProbeTest : public StreamFixture {
 protected:
  ProbeTest() { plan_.endpoint = at(server_.port()); }
  void TearDown() override {
    pool_.clear();
    StreamFixture::TearDown();
  }

  static Endpoint at(std::uint16_t port) {
    Endpoint endpoint;
    endpoint.host = "127.0.0.1";
    endpoint.port = port;
    return endpoint;
  }
  static std::string path_of(const std::string& request) {
    const std::size_t begin = request.find(' ') + 1;
    return request.substr(begin, request.find(' ', begin) - begin);
  }
  std::optional<std::string> answer(const std::string& request) {
    const auto it = answers_.find(path_of(request));
    return it == answers_.end() ? http_answer(404, "no") : it->second;
  }
  PeerAnswer probe() { return run(probe_peer(pool_, plan_, 1s)); }
  std::vector<std::string> asked() {
    std::vector<std::string> paths;
    for (const std::string& each : server_.requests()) paths.push_back(path_of(each));
    return paths;
  }
  static std::string news(const std::string& state) {
    return R"({"state":")" + state +
           R"(","boot_id":"b","epoch":7,"wake":{"macs":[{"mac":"02:00:00:00:00:01"}]}})";
  }

  HttpPool pool_{io_.get_executor(), HttpLimits(), deadlines_};
  std::map<std::string, std::optional<std::string>> answers_;
  test::ScriptedServer server_{group_,
                               [this](const std::string& request) { return answer(request); }};
  ProbePlan plan_;
};

TEST_F(ProbeTest, AnotherRouseIsBelievedWhatItSaysOfItself) {
  answers_["/v1/power"] = http_answer(200, news("awake"));
  const PeerAnswer said = probe();
  EXPECT_EQ(said.sign, Sign::Answers);
  ASSERT_TRUE(said.news);
  EXPECT_EQ(said.news->epoch, (core::peer::Epoch{7, "b"}));
  EXPECT_EQ(said.news->macs.size(), 1u);
  EXPECT_FALSE(said.foreign);
  EXPECT_EQ(said.detail, "says that it is awake");
  EXPECT_THAT(asked(), ElementsAre("/v1/power"));
}

TEST_F(ProbeTest, OneThatDrainsStillAnswersAndOneThatSuspendsDoesNot) {
  answers_["/v1/power"] = http_answer(200, news("draining"));
  EXPECT_EQ(probe().sign, Sign::Answers);
  answers_["/v1/power"] = http_answer(200, news("suspending"));
  EXPECT_EQ(probe().sign, Sign::Suspending);
}

TEST_F(ProbeTest, WhatIsNoRouseIsAskedForItsHealthOnTheSameConnection) {
  answers_["/health"] = http_answer(200);
  const PeerAnswer said = probe();
  EXPECT_EQ(said.sign, Sign::Answers);
  EXPECT_TRUE(said.foreign);
  EXPECT_FALSE(said.news);
  EXPECT_EQ(said.detail, "answers 200 to /health");
  EXPECT_THAT(asked(), ElementsAre("/v1/power", "/health"));
  EXPECT_EQ(server_.connections(), 1);
}

TEST_F(ProbeTest, WhatIsKnownToBeNoRouseIsNotAskedForItsPower) {
  answers_["/health"] = http_answer(200);
  plan_.foreign = true;
  EXPECT_EQ(probe().sign, Sign::Answers);
  EXPECT_THAT(asked(), ElementsAre("/health"));
}

TEST_F(ProbeTest, ARouseBehindItsOwnTroubleOrAKeyIsNotTakenForAForeigner) {
  answers_["/health"] = http_answer(200);
  for (const int status : {401, 403, 500, 503}) {
    answers_["/v1/power"] = http_answer(status);
    const PeerAnswer said = probe();
    EXPECT_EQ(said.sign, Sign::Answers);
    EXPECT_FALSE(said.foreign) << status;
  }
}

TEST_F(ProbeTest, PowerThatIsNoneIsNotBelieved) {
  answers_["/health"] = http_answer(200);
  for (const char* const text : {"<html>", "{}", R"({"state":"dozing","boot_id":"b","epoch":1})"}) {
    answers_["/v1/power"] = http_answer(200, text);
    const PeerAnswer said = probe();
    EXPECT_TRUE(said.foreign) << text;
    EXPECT_FALSE(said.news);
  }
}

TEST_F(ProbeTest, WithoutAHealthOfItsOwnItsListOfModelsCounts) {
  answers_["/v1/models"] = http_answer(200, R"({"data":[]})");
  const PeerAnswer said = probe();
  EXPECT_EQ(said.sign, Sign::Answers);
  EXPECT_EQ(said.detail, "answers 200 to /v1/models");
  EXPECT_THAT(asked(), ElementsAre("/v1/power", "/health", "/v1/models"));
}

TEST_F(ProbeTest, APathThatWasConfiguredIsTheOnlyOne) {
  plan_.path = "/alive";
  plan_.foreign = true;
  EXPECT_EQ(probe().detail, "answers 404 to /alive");
  EXPECT_THAT(asked(), ElementsAre("/alive"));
}

TEST_F(ProbeTest, AHealthThatFailsIsUnwellAndSaysNothingOfWhoItIs) {
  answers_["/health"] = http_answer(503, "loading");
  const PeerAnswer said = probe();
  EXPECT_EQ(said.sign, Sign::Unwell);
  EXPECT_FALSE(said.foreign);
}

TEST_F(ProbeTest, AConnectionThatIsClosedBetweenTwoAnswersIsMadeAgain) {
  answers_["/health"] = http_answer(200);
  answers_["/v1/power"] = http_answer(404, "", "Connection: close\r\n");
  EXPECT_EQ(probe().sign, Sign::Answers);
  EXPECT_EQ(server_.connections(), 2);
  // Without a word before: the first question on the old connection meets its end.
  int healths = 0;
  answers_["/v1/power"] = http_answer(404);
  server_.answer([&](const std::string& request) -> std::optional<std::string> {
    if (path_of(request) != "/health") return http_answer(404);
    return ++healths == 1 ? std::string() : http_answer(200);
  });
  EXPECT_EQ(probe().sign, Sign::Answers);
  EXPECT_EQ(healths, 2);
}

TEST_F(ProbeTest, AMachineThatIsUpWithNobodyListeningRefuses) {
  plan_.endpoint = at(test::free_port());
  const PeerAnswer said = probe();
  EXPECT_EQ(said.sign, Sign::Refuses);
  EXPECT_THAT(said.detail, HasSubstr("its service does not listen"));
}

TEST_F(ProbeTest, OneThatTakesTheConnectionAndSaysNothingIsSilentWithinTwoSeconds) {
  answers_["/v1/power"] = std::nullopt;
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(probe().sign, Sign::Silent);
  answers_["/v1/power"] = http_answer(404);
  answers_["/health"] = std::nullopt;
  EXPECT_EQ(probe().sign, Sign::Silent);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 4s) << "both of them";
}

TEST_F(ProbeTest, OneThatHangsUpIsSilent) {
  answers_["/v1/power"] = "";
  EXPECT_EQ(probe().sign, Sign::Silent);
}

TEST_F(ProbeTest, ItIsAskedBelowItsOwnPathWithItsOwnKey) {
  answers_["/base/v1/power"] = http_answer(200, news("awake"));
  plan_.endpoint.base_path = "/base";
  EXPECT_EQ(probe().sign, Sign::Answers);
  EXPECT_THAT(server_.requests().back(), AllOf(StartsWith("GET /base/v1/power HTTP/1.1\r\n"),
                                               Not(HasSubstr("authorization"))));
  plan_.api_key = "secret";
  EXPECT_EQ(probe().sign, Sign::Answers);
  EXPECT_THAT(server_.requests().back(), AllOf(HasSubstr("authorization: Bearer secret\r\n"),
                                               HasSubstr("x-api-key: secret\r\n")));
  EXPECT_EQ(server_.connections(), 2) << "each time on a new connection";
}

TEST_F(ProbeTest, ItsModelsAreThoseThatItsListNames) {
  answers_["/v1/models"] = http_answer(
      200, R"({"data":[{"id":"a"},{"id":""},{"name":"b"},{"id":"c","context_length":9}]})");
  const auto models = run(list_models_of(pool_, plan_));
  ASSERT_TRUE(models) << models.error().message();
  ASSERT_EQ(models->size(), 2U);
  EXPECT_EQ(models->front(), (wire::ListedModel{"a", {}}));
  EXPECT_EQ(models->back().id, "c");
  EXPECT_EQ(models->back().can.context, 9);
}

TEST_F(ProbeTest, AListThatIsNoneIsAnErrorThatSaysWhatCame) {
  answers_["/v1/models"] = http_answer(401, R"({"data":[{"id":"a"}]})");
  auto models = run(list_models_of(pool_, plan_));
  ASSERT_FALSE(models);
  EXPECT_THAT(models.error().message(), HasSubstr("answered 401 and no list"));
  answers_["/v1/models"] = http_answer(200, "[]");
  EXPECT_FALSE(run(list_models_of(pool_, plan_)));
  plan_.endpoint = at(test::free_port());
  EXPECT_FALSE(run(list_models_of(pool_, plan_)));
}

}  // namespace
}  // namespace rouse
