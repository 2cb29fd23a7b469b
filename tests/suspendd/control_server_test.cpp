#include "suspendd/control_server.hpp"

#include "base/http/ask.hpp"
#include "suspendd/proxy/json_ask.hpp"
#include "tests/suspendd/runner_fixture.hpp"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ControlServerTest : public RunnerFixture {
 protected:
  void SetUp() override {
    RunnerFixture::SetUp();
    config_->control_socket = dir_ / "run/s.sock";
    server_.configure(config_);
    ASSERT_EQ(server_.listen(*config_), "");
    policy::Settings settings;
    settings.gate = true;
    loop_.tell(policy::Started());
    loop_.tell(policy::Reconfigured{settings});
    decided_.clear();
  }
  void TearDown() override {
    server_.stop_accepting();
    RunnerFixture::TearDown();
  }
  HttpAnswer ask(const std::string& method, const std::string& path, const std::string& body = {}) {
    HttpAsk asked = json_ask(unix_endpoint(config_->control_socket), method, path, body,
                             std::chrono::seconds(9));
    Result<HttpAnswer> answer = run(http_ask(pool_, std::move(asked)));
    EXPECT_TRUE(answer) << path;
    return answer ? std::move(*answer) : HttpAnswer();
  }
  HttpAnswer post(const std::string& path, const std::string& body = {}) {
    return ask("POST", path, body);
  }
  Task<Report> report() {
    ++reports_;
    Report report;
    report.view = loop_.view();
    report.now = loop_.now();
    report.config = config_;
    co_return report;
  }
  template <class T>
  [[nodiscard]] const T* decided() const {
    for (auto each = decided_.rbegin(); each != decided_.rend(); ++each) {
      if (const T* const found = std::get_if<T>(&*each)) return found;
    }
    return nullptr;
  }
  static std::string me() {
    const passwd* const user = ::getpwuid(::geteuid());
    const std::string name =
        user == nullptr ? "uid " + std::to_string(::geteuid()) : std::string(user->pw_name);
    return name + " (pid " + std::to_string(::getpid()) + ")";
  }

  int reports_ = 0;
  std::vector<std::optional<policy::WallTime>> nets_;
  ControlServer server_{group_,
                        deadlines_,
                        loop_,
                        notices_,
                        state_,
                        [this] { return report(); },
                        [this](std::optional<policy::WallTime> at) { nets_.push_back(at); }};
};

// --- looking -------------------------------------------------------------------------------------

TEST_F(ControlServerTest, EachViewHasItsFormAndIsMadeAnew) {
  const HttpAnswer status = ask("GET", "/v1/status");
  EXPECT_EQ(status.status, 200);
  EXPECT_EQ(status.fields.find("content-type"), "application/json");
  EXPECT_THAT(status.body, HasSubstr(R"({"state":"idle-countdown")"));
  EXPECT_THAT(ask("GET", "/v1/explain").body, HasSubstr("because:"));
  EXPECT_THAT(ask("GET", "/v1/brief").body, testing::StartsWith("idle, sleeps in "));
  EXPECT_THAT(ask("GET", "/metrics").body, HasSubstr("rouse_suspendd_state{"));
  EXPECT_EQ(reports_, 4);
  EXPECT_EQ(ask("GET", "/v1/elsewhere").status, 404);
}

TEST_F(ControlServerTest, HistoryGivesAsManyLinesAsAreAskedFor) {
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(state_.add_history("line " + std::to_string(i)));
  EXPECT_EQ(ask("GET", "/v1/history?last=2").body, "line 58\nline 59\n");
  const std::string usual = ask("GET", "/v1/history").body;
  EXPECT_EQ(std::count(usual.begin(), usual.end(), '\n'), 50);
  EXPECT_EQ(reports_, 0);
}

TEST_F(ControlServerTest, WhatIsNoCommandIsRefused) {
  EXPECT_EQ(ask("PUT", "/v1/suspend").status, 405);
  EXPECT_EQ(post("/v1/elsewhere").status, 404);
  const HttpAnswer bad = post("/v1/suspend", "{\"force\":");
  EXPECT_EQ(bad.status, 400);
  EXPECT_THAT(bad.body, HasSubstr("no JSON"));
  EXPECT_THAT(decided_, IsEmpty());
}

TEST_F(ControlServerTest, OneConnectionMayAskOftenAndMakeMistakes) {
  Result<HttpPool::Lease> lease =
      run(pool_.connect(unix_endpoint(config_->control_socket), 5s, true));
  ASSERT_TRUE(lease);
  for (const auto& [body, status] : {std::pair{"nonsense", 400}, {"{}", 404}, {"{}", 404}}) {
    RequestHead head;
    head.method = "POST";
    head.target = "/v1/elsewhere";
    head.fields.add("host", "localhost");
    head.framing = Framing::Length;
    head.content_length = std::string_view(body).size();
    ASSERT_TRUE(run(lease->stream->write_request(head, body, false)));
    const auto answer = run(lease->stream->read_response(false));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, status);
    while (!lease->stream->body_done()) ASSERT_TRUE(run(lease->stream->read_body()));
  }
}

// --- commands ------------------------------------------------------------------------------------

TEST_F(ControlServerTest, SuspendTellsWhoWantsItAndAnswersWhatWasDecided) {
  const HttpAnswer answer = post("/v1/suspend", "{}");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "{\"code\":\"ok\",\"message\":\"on the way to sleep\"}\n");
  ASSERT_NE(decided<policy::RequestDrain>(), nullptr);
  EXPECT_THAT(decided<policy::RequestDrain>()->reason, HasSubstr("asked for by " + me()));
  EXPECT_THAT(decided<policy::RequestDrain>()->reason,
              testing::Not(HasSubstr("whatever is against it")));
  EXPECT_THAT(state_.history(9),
              ElementsAre(AllOf(HasSubstr(R"("command":"suspend")"), HasSubstr(me()),
                                HasSubstr(R"("accepted":true,"text":"on the way to sleep")"))));
}

TEST_F(ControlServerTest, SuspendByForceSaysSo) {
  EXPECT_EQ(post("/v1/suspend", R"({"force":true})").status, 200);
  ASSERT_NE(decided<policy::RequestDrain>(), nullptr);
  EXPECT_THAT(decided<policy::RequestDrain>()->reason, HasSubstr("whatever is against it"));
  EXPECT_THAT(state_.history(1), ElementsAre(HasSubstr(R"("command":"suspend --force")")));
}

TEST_F(ControlServerTest, ARefusalIsAConflictInWords) {
  ASSERT_EQ(post("/v1/hold", R"({"why":"I look at it","token":"t"})").status, 200);
  const HttpAnswer refused = post("/v1/suspend");
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, AllOf(HasSubstr(R"("code":"refused")"), HasSubstr("I look at it")));
  EXPECT_THAT(state_.history(1), ElementsAre(HasSubstr(R"("accepted":false)")));
}

TEST_F(ControlServerTest, UnblockIsTold) {
  const HttpAnswer answer = post("/v1/unblock");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("nothing was blocked"));
  EXPECT_THAT(state_.history(1), ElementsAre(HasSubstr(R"("command":"unblock")")));
}

TEST_F(ControlServerTest, AHoldHasWhatItWasGiven) {
  const HttpAnswer answer = post("/v1/hold", R"({"why":"a job","for_ms":60000,"token":"t1"})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr(R"("token":"t1")"));
  ASSERT_THAT(loop_.view().holds, SizeIs(1));
  const policy::HoldView hold = loop_.view().holds[0];
  EXPECT_EQ(hold.token, "t1");
  EXPECT_EQ(hold.why, "a job");
  EXPECT_EQ(hold.by, me());
  ASSERT_TRUE(hold.left);
  EXPECT_LE(*hold.left, 60s);
  EXPECT_GT(*hold.left, 50s);
  EXPECT_THAT(state_.history(1), ElementsAre(HasSubstr("hold t1 (a job)")));
}

TEST_F(ControlServerTest, AHoldWithoutATokenGetsOneOfItsOwn) {
  ASSERT_EQ(post("/v1/hold", R"({"why":"one"})").status, 200);
  ASSERT_EQ(post("/v1/hold", R"({"why":"two"})").status, 200);
  const auto holds = loop_.view().holds;
  ASSERT_THAT(holds, SizeIs(2)) << "none replaced another";
  EXPECT_EQ(holds[0].token.size(), 8U);
  EXPECT_FALSE(holds[0].left) << "until it is released";
}

TEST_F(ControlServerTest, AHoldIsReleasedByItsToken) {
  ASSERT_EQ(post("/v1/hold", R"({"token":"t1"})").status, 200);
  EXPECT_EQ(post("/v1/release", R"({"token":"t2"})").status, 409);
  EXPECT_THAT(loop_.view().holds, SizeIs(1));
  EXPECT_EQ(post("/v1/release", R"({"token":"t1"})").status, 200);
  EXPECT_THAT(loop_.view().holds, IsEmpty());
  EXPECT_THAT(state_.history(1), ElementsAre(HasSubstr("release t1")));
}

TEST_F(ControlServerTest, ABoundHoldEndsWithItsConnection) {
  Result<HttpPool::Lease> lease =
      run(pool_.connect(unix_endpoint(config_->control_socket), 5s, true));
  ASSERT_TRUE(lease);
  const std::string body = R"({"why":"a long job","token":"t","bound":true})";
  RequestHead head;
  head.method = "POST";
  head.target = "/v1/hold";
  head.fields.add("host", "localhost");
  head.framing = Framing::Length;
  head.content_length = body.size();
  ASSERT_TRUE(run(lease->stream->write_request(head, body, false)));
  const auto answer = run(lease->stream->read_response(false));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  const auto told = run(lease->stream->read_body());
  ASSERT_TRUE(told);
  EXPECT_THAT(std::string(*told), HasSubstr(R"("token":"t")"));
  EXPECT_FALSE(lease->stream->body_done()) << "it stays open";
  EXPECT_THAT(loop_.view().holds, SizeIs(1));
  lease->stream->close();
  EXPECT_TRUE(run_until([this] { return loop_.view().holds.empty(); }));
}

// --- the gate ------------------------------------------------------------------------------------

TEST_F(ControlServerTest, TheGateWaitsForTheAnswerOfThePolicy) {
  std::optional<Result<HttpAnswer>> answer;
  HttpAsk asked = json_ask(unix_endpoint(config_->control_socket), "POST", "/v1/gate", {}, 9s);
  begin(http_ask(pool_, std::move(asked)), answer);
  ASSERT_TRUE(run_until([this] { return decided<policy::RequestDrain>() != nullptr; }));
  EXPECT_FALSE(answer);
  runner_.perform(policy::AnswerGate{policy::GateId{1}, false, "a request runs"});
  ASSERT_TRUE(run_until([&] { return answer.has_value(); }));
  ASSERT_TRUE(*answer);
  EXPECT_EQ((*answer)->status, 200);
  EXPECT_EQ((*answer)->body, "{\"allow\":false,\"message\":\"a request runs\"}\n");
}

TEST_F(ControlServerTest, WhoLeavesTheGateIsNotWaitedFor) {
  Result<HttpPool::Lease> lease =
      run(pool_.connect(unix_endpoint(config_->control_socket), 5s, true));
  ASSERT_TRUE(lease);
  RequestHead head;
  head.method = "POST";
  head.target = "/v1/gate";
  head.fields.add("host", "localhost");
  head.framing = Framing::Length;
  ASSERT_TRUE(run(lease->stream->write_request(head, "", false)));
  ASSERT_TRUE(run_until([this] { return decided<policy::RequestDrain>() != nullptr; }));
  EXPECT_EQ(loop_.view().state, policy::State::Suspending);
  lease->stream->close();
  EXPECT_TRUE(run_until([this] { return loop_.view().state != policy::State::Suspending; }));
  ASSERT_NE(decided<policy::Cancel>(), nullptr);
  EXPECT_THAT(decided<policy::Cancel>()->reason, HasSubstr("nobody waits at the gate any more"));
}

// --- the wake test -------------------------------------------------------------------------------

TEST_F(ControlServerTest, AWakeTestSetsItsNetAndSleeps) {
  const policy::WallTime now = loop_.now().realtime;
  const HttpAnswer answer = post("/v1/wake-test", R"({"net_ms":120000})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  ASSERT_THAT(nets_, SizeIs(1));
  ASSERT_TRUE(nets_[0]);
  EXPECT_GE(*nets_[0] - now, 120s);
  EXPECT_LT(*nets_[0] - now, 150s);
  ASSERT_NE(decided<policy::RequestDrain>(), nullptr);
  EXPECT_THAT(decided<policy::RequestDrain>()->reason,
              testing::Not(HasSubstr("whatever is against it")));
  EXPECT_THAT(state_.history(1), ElementsAre(HasSubstr(R"("command":"wake-test")")));
}

TEST_F(ControlServerTest, AWakeTestHasANetOfAQuarterOfAnHour) {
  const policy::WallTime now = loop_.now().realtime;
  ASSERT_EQ(post("/v1/wake-test").status, 200);
  ASSERT_TRUE(nets_.at(0));
  EXPECT_GE(*nets_[0] - now, 15min);
  EXPECT_LT(*nets_[0] - now, 16min);
}

TEST_F(ControlServerTest, ANetThatIsTooNearIsRefused) {
  const HttpAnswer answer = post("/v1/wake-test", R"({"net_ms":59999})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(nets_, IsEmpty());
  EXPECT_THAT(decided_, IsEmpty());
  EXPECT_EQ(post("/v1/wake-test", R"({"net_ms":60000})").status, 200);
}

TEST_F(ControlServerTest, AWakeTestThatIsRefusedTakesItsNetBack) {
  ASSERT_EQ(post("/v1/hold", R"({"token":"t"})").status, 200);
  EXPECT_EQ(post("/v1/wake-test").status, 409);
  ASSERT_THAT(nets_, SizeIs(2));
  EXPECT_TRUE(nets_[0]);
  EXPECT_FALSE(nets_[1]);
}

// --- listening -----------------------------------------------------------------------------------

TEST_F(ControlServerTest, ASecondDaemonIsTurnedAway) {
  ControlServer second(
      group_, deadlines_, loop_, notices_, state_, [this] { return report(); },
      [](std::optional<policy::WallTime>) {});
  EXPECT_THAT(second.listen(*config_), HasSubstr("another rouse-suspendd runs already"));
  Config nowhere = *config_;
  nowhere.control_socket = "/no/such/folder/s.sock";
  const std::string why = second.listen(nowhere);
  EXPECT_THAT(why, HasSubstr("/no/such/folder/s.sock"));
  EXPECT_THAT(why, testing::Not(HasSubstr("another rouse-suspendd")));
}

TEST_F(ControlServerTest, OverTcpThereAreMetricsAndNothingElse) {
  EXPECT_EQ(server_.metrics_address(), "");
  ControlServer open(
      group_, deadlines_, loop_, notices_, state_, [this] { return report(); },
      [](std::optional<policy::WallTime>) {});
  Config config = *config_;
  config.control_socket = dir_ / "other.sock";
  config.metrics = ListenAddress{"127.0.0.1", 0};
  ASSERT_EQ(open.listen(config), "");
  const Endpoint endpoint = *Endpoint::parse("http://" + open.metrics_address());
  const auto get = [&](const std::string& method, const std::string& path) {
    HttpAsk asked = json_ask(endpoint, method, path, {}, std::chrono::seconds(9));
    const Result<HttpAnswer> answer = run(http_ask(pool_, std::move(asked)));
    return answer ? *answer : HttpAnswer();
  };
  EXPECT_THAT(get("GET", "/metrics").body, HasSubstr("rouse_suspendd_state{"));
  EXPECT_EQ(get("POST", "/metrics").status, 404);
  EXPECT_EQ(get("GET", "/v1/status").status, 404);
  EXPECT_EQ(get("POST", "/v1/suspend").status, 404);
  EXPECT_EQ(decided<policy::RequestDrain>(), nullptr);
  open.stop_accepting();
}

TEST_F(ControlServerTest, MetricsThatCannotBeServedSayWhere) {
  ControlServer second(
      group_, deadlines_, loop_, notices_, state_, [this] { return report(); },
      [](std::optional<policy::WallTime>) {});
  Config config = *config_;
  config.control_socket = dir_ / "other.sock";
  config.metrics = ListenAddress{"192.0.2.1", 9};  // of nobody
  EXPECT_THAT(second.listen(config), testing::EndsWith(" (metrics.listen)"));
  second.stop_accepting();
}

}  // namespace
}  // namespace rouse::suspendd
