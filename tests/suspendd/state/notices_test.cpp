#include "suspendd/state/notices.hpp"

#include "tests/suspendd/checks/check_fixture.hpp"
#include "tests/suspendd/scripted_proxy.hpp"

namespace rouse::suspendd {
namespace {

namespace policy = core::suspend;
using namespace std::chrono_literals;
using policy::Severity;
using policy::Topic;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Whoever is told by the webhook does as the test says.
class NoticesTest : public CheckFixture {
 protected:
  using Then = test::ScriptedProxy::Then;

  NoticesTest() {
    config_->notify.webhook = *Endpoint::parse("http://" + hook_.listen_tcp() + "/box");
    config_->notify.token = "hush";
    config_->notify.timeout = 500ms;
    notices_.configure(config_);
  }
  void SetUp() override { ASSERT_TRUE(state_.open()); }
  void TearDown() override {
    hook_.stop();
    CheckFixture::TearDown();
  }
  void tell(Severity severity, Topic topic, const std::string& text) {
    notices_.tell({severity, topic, text}, policy::WallTime(std::chrono::seconds(1'700'000'000)));
  }
  [[nodiscard]] bool told(long times) {
    return run_until([&] { return hook_.asked("/box") >= times; });
  }

  test::ScriptedProxy hook_{group_, deadlines_};
  StateDir state_{dir_ / "state"};
  TaskGroup sending_{io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; }};
  std::shared_ptr<Config> config_ = std::make_shared<Config>();
  Notices notices_{sending_, pool_, state_, 1ms};
};

TEST_F(NoticesTest, AnAlertIsSentWhole) {
  tell(Severity::Alert, Topic::Blocked, "5 \"failures\"");
  ASSERT_TRUE(told(1));
  const auto& request = hook_.requests().front();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.fields.find("authorization"), "Bearer hush");
  EXPECT_EQ(request.fields.find("content-type"), "application/json");
  EXPECT_THAT(request.body,
              AllOf(HasSubstr(R"({"at":"2023-11-14T22:13:20)"), HasSubstr(R"("host":")"),
                    HasSubstr(R"("severity":"alert","topic":"blocked","text":"5 \"failures\""})")));
  EXPECT_THAT(state_.history(9), ElementsAre(request.body)) << "the same is kept";
  EXPECT_TRUE(run_until([this] { return sending_.size() == 0; }));
  EXPECT_EQ(hook_.asked("/box"), 1);
}

TEST_F(NoticesTest, WhatIsNoWarningIsKeptAndNotSent) {
  tell(Severity::Info, Topic::Suspended, "slept well");
  EXPECT_EQ(sending_.size(), 0U);
  EXPECT_THAT(state_.history(9), ElementsAre(HasSubstr("slept well")));
  tell(Severity::Warning, Topic::Gpu, "odd");
  EXPECT_EQ(sending_.size(), 1U);
  tell(Severity::Info, Topic::Unblocked, "better");
  EXPECT_EQ(sending_.size(), 2U) << "the end of what was an alert";
  ASSERT_TRUE(told(2));
  EXPECT_TRUE(run_until([this] { return sending_.size() == 0; }));
}

TEST_F(NoticesTest, WithoutAWebhookNothingIsSent) {
  config_->notify.webhook.reset();
  tell(Severity::Alert, Topic::Blocked, "x");
  EXPECT_EQ(sending_.size(), 0U);
  EXPECT_THAT(state_.history(9), ElementsAre(HasSubstr("blocked")));
}

TEST_F(NoticesTest, WithoutATokenNoneIsSent) {
  config_->notify.token.clear();
  tell(Severity::Alert, Topic::Blocked, "x");
  ASSERT_TRUE(told(1));
  EXPECT_FALSE(hook_.requests().front().fields.contains("authorization"));
  EXPECT_TRUE(run_until([this] { return sending_.size() == 0; }));
}

TEST_F(NoticesTest, AWebhookThatFailsIsTriedThreeTimes) {
  for (const Then then : {Then::Close, Then::HangUp, Then::Silent}) {
    const long before = hook_.asked("/box");
    hook_.answers("/box", {503, "{}", then});
    tell(Severity::Alert, Topic::Blocked, "x");
    EXPECT_TRUE(run_until([this] { return sending_.size() == 0; }));
    EXPECT_EQ(hook_.asked("/box") - before, 3) << static_cast<int>(then);
  }
  const long before = hook_.asked("/box");
  hook_.answers("/box", {503, "{}"});
  tell(Severity::Alert, Topic::Blocked, "x");
  ASSERT_TRUE(told(before + 1));
  hook_.answers("/box", {204, ""});
  EXPECT_TRUE(run_until([this] { return sending_.size() == 0; }));
  EXPECT_LE(hook_.asked("/box") - before, 3) << "it ends with the first success";
}

TEST_F(NoticesTest, AWebhookThatIsTakenAwayIsNotTriedAgain) {
  hook_.answers("/box", {0, "", Then::Silent});
  tell(Severity::Alert, Topic::Blocked, "x");
  ASSERT_TRUE(told(1));
  config_->notify.webhook.reset();
  EXPECT_TRUE(run_until([this] { return sending_.size() == 0; }));
  EXPECT_EQ(hook_.asked("/box"), 1);
}

TEST_F(NoticesTest, MessagesThatPileUpAreDropped) {
  config_->notify.timeout = 1h;
  hook_.answers("/box", {0, "", Then::Silent});
  for (int i = 0; i < 20; ++i) tell(Severity::Alert, Topic::Blocked, std::to_string(i));
  ASSERT_TRUE(told(16));
  EXPECT_EQ(sending_.size(), 16U);
  EXPECT_EQ(state_.history(99).size(), 20U) << "the history has them all";
  // Given up, they make room.
  sending_.cancel(asio::cancellation_type::terminal);
  ASSERT_TRUE(run_until([this] { return sending_.size() == 0; }));
  EXPECT_EQ(hook_.asked("/box"), 16);
  hook_.answers("/box", {204, ""});
  tell(Severity::Alert, Topic::Blocked, "again");
  EXPECT_EQ(sending_.size(), 1U);
  EXPECT_TRUE(run_until([this] { return sending_.size() == 0; }));
}

TEST_F(NoticesTest, CommandsAreKept) {
  notices_.note_command("hold t", "anna (pid 7)", false, "no \"x\"",
                        policy::WallTime(std::chrono::seconds(1'700'000'000)));
  ASSERT_EQ(state_.history(9).size(), 1U);
  const std::string line = state_.history(9)[0];
  EXPECT_THAT(line, testing::StartsWith(R"({"at":"2023-11-14T22:13:20)"));
  EXPECT_THAT(line,
              testing::EndsWith(R"x("topic":"command","command":"hold t","by":"anna (pid 7)",)x"
                                R"x("accepted":false,"text":"no \"x\""})x"));
  EXPECT_THAT(hook_.requests(), IsEmpty());
}

}  // namespace
}  // namespace rouse::suspendd
