#include "suspendd/proxy/power_client.hpp"

#include "tests/suspendd/checks/check_fixture.hpp"
#include "tests/suspendd/scripted_proxy.hpp"

#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;

class PowerClientTest : public CheckFixture {
 protected:
  static Task<void> keep(PowerClient& power, std::optional<Result<PowerClient::Drained>>& out) {
    out = co_await power.drain("l-1", 60s, "idle", false);
  }
  /// What a drain comes to when the proxy answers with @p body, and stays (@p more).
  std::optional<Result<PowerClient::Drained>> drain(std::string body, bool more) {
    const Endpoint endpoint = serve_unix([body, more](const RequestHead&) {
      return Answer{200, body, more};
    });
    PowerClient power(io_.get_executor(), pool_, deadlines_, endpoint.unix_path);
    std::optional<Result<PowerClient::Drained>> drained;
    group_.spawn(keep(power, drained));
    EXPECT_TRUE(run_until([&] { return drained.has_value(); }));
    return drained;
  }
};

TEST_F(PowerClientTest, ALeaseComesWithTheTimeSinceTheLastWork) {
  const auto drained = drain(R"({"event":"granted","lease":"l-1","last_activity_ms":913000})"
                             "\n",
                             true);
  ASSERT_TRUE(drained && *drained);
  EXPECT_TRUE((*drained)->answer.ok);
  EXPECT_EQ((*drained)->idle, 913s);
  EXPECT_NE((*drained)->lease, nullptr);
}

TEST_F(PowerClientTest, AProxyThatDoesNotSayHowLongItWasIdleIsNoFault) {
  const auto drained = drain("{\"event\":\"granted\"}\n", true);
  ASSERT_TRUE(drained && *drained);
  EXPECT_EQ((*drained)->idle, std::nullopt);
}

TEST_F(PowerClientTest, ALeaseThatEndsAtOnceWasNotGranted) {
  const auto drained = drain("", false);
  ASSERT_TRUE(drained);
  EXPECT_FALSE(*drained);
}

// --- against a proxy that does what the test says ------------------------------------------------

class ScriptedPowerTest : public CheckFixture {
 protected:
  using Then = test::ScriptedProxy::Then;

  void TearDown() override {
    proxy_.stop();
    CheckFixture::TearDown();
  }
  template <class T>
  static Task<void> store(Task<T> task, std::optional<T>& out) {
    out.emplace(co_await std::move(task));
  }
  template <class T>
  T run(Task<T> task) {
    std::optional<T> out;
    group_.spawn(store(std::move(task), out));
    EXPECT_TRUE(run_until([&] { return out.has_value(); })) << "it hangs";
    if (!out) abort();
    return std::move(*out);
  }
  std::unique_ptr<PowerClient::Lease> lease() {
    proxy_.answers(kDrain, {200, "{\"event\":\"granted\"}\n", Then::Stay});
    Result<PowerClient::Drained> drained = run(power_.drain("l", 60s, "idle", false));
    EXPECT_TRUE(drained && drained->lease);
    return drained ? std::move(drained->lease) : nullptr;
  }

  static constexpr const char* kDrain = "/v1/power/drain";
  static constexpr const char* kActivity = "/v1/power/activity";
  test::ScriptedProxy proxy_{group_, deadlines_};
  PowerClient power_{io_.get_executor(), pool_, deadlines_, proxy_.socket(), {500ms, 30s}};
  std::optional<Result<PowerClient::Answer>> commit_;
};

TEST_F(ScriptedPowerTest, WhatKeepsALeaseAliveIsNoNews) {
  const auto lease = this->lease();
  proxy_.say(kDrain, "\n\n{\"event\":");
  // In two pieces: this call is over when the first one has long been read.
  ASSERT_TRUE(run(power_.tell_facts("{}")));
  std::optional<PowerClient::Lease::End> end;
  group_.spawn(store(lease->wait(), end));
  ASSERT_TRUE(run(power_.tell_facts("{}")));
  EXPECT_FALSE(end);
  proxy_.say(kDrain, "\"cancelled\",\"by\":\"request\",\"message\":\"m\"}\n");
  ASSERT_TRUE(run_until([&] { return end.has_value(); }));
  EXPECT_TRUE(end->cancelled);
  EXPECT_EQ(end->by, "request");
  EXPECT_EQ(end->why, "m");
}

TEST_F(ScriptedPowerTest, OnlyARequestCancelsALease) {
  for (const char* line :
       {R"({"event":"awake","by":"request"})", R"({"event":"cancelled","by":"ttl"})"}) {
    const auto lease = this->lease();
    proxy_.say(kDrain, std::string(line) + "\n");
    EXPECT_FALSE(run(lease->wait()).cancelled) << line;
  }
  const auto lease = this->lease();
  proxy_.say(kDrain, "\"cancelled\" and no JSON\n");
  const auto end = run(lease->wait());
  EXPECT_FALSE(end.cancelled);
  EXPECT_THAT(end.why, testing::HasSubstr("cannot be read"));
}

TEST_F(ScriptedPowerTest, ALineWithoutEndIsGivenUp) {
  const auto lease = this->lease();
  std::optional<PowerClient::Lease::End> end;
  group_.spawn(store(lease->wait(), end));
  const std::string much(8 * 1024, 'x');
  for (int i = 0; i < 12 && !end; ++i) {
    proxy_.say(kDrain, much);
    ASSERT_TRUE(run(power_.tell_facts("{}")));
  }
  ASSERT_TRUE(end);
  EXPECT_THAT(end->why, testing::HasSubstr("too long a line"));
}

TEST_F(ScriptedPowerTest, ALeaseOutlastsTheCallThatGotIt) {
  const auto lease = this->lease();
  proxy_.answers("/v1/power/release", {0, "", Then::Silent});
  EXPECT_FALSE(run(power_.release("l"))) << "that call has run out of time";
  EXPECT_EQ(proxy_.left(kDrain), 0);
  proxy_.say(kDrain, "{\"event\":\"cancelled\",\"by\":\"request\"}\n");
  EXPECT_TRUE(run(lease->wait()).cancelled);
}

TEST_F(ScriptedPowerTest, ACommitMayTakeLongerThanOtherCalls) {
  for (const char* path :
       {"/v1/power/commit", "/v1/power/release", "/v1/power/resumed", kActivity}) {
    proxy_.answers(path, {0, "", Then::Silent});
  }
  group_.spawn(store(power_.commit("l", ""), commit_));
  EXPECT_FALSE(run(power_.release("l")));
  EXPECT_FALSE(run(power_.resumed(1, 1s, "wol")));
  EXPECT_FALSE(run(power_.activity()));
  EXPECT_FALSE(commit_);
  EXPECT_EQ(proxy_.left("/v1/power/commit"), 0);
}

TEST_F(ScriptedPowerTest, TheProcessBehindTheSocketIsKnown) {
  EXPECT_EQ(power_.pid(), 0);
  const auto lease = this->lease();
  EXPECT_EQ(power_.pid(), ::getpid());
  PowerClient other(io_.get_executor(), pool_, deadlines_, proxy_.socket());
  proxy_.answers(kActivity, {200, R"({"busy":[]})"});
  ASSERT_TRUE(run(other.activity()));
  EXPECT_EQ(other.pid(), ::getpid());
}

TEST_F(ScriptedPowerTest, ActivityIsWhatTheProxySays) {
  proxy_.answers(kActivity, {200, R"({"state":"awake","last_activity_ms":913000,"busy":[]})"});
  const auto quiet = run(power_.activity());
  ASSERT_TRUE(quiet);
  EXPECT_EQ(quiet->idle, 913s);
  EXPECT_EQ(quiet->busy, "");
  EXPECT_EQ(proxy_.requests().back().method, "GET");
  proxy_.answers(kActivity,
                 {200, R"({"last_activity_ms":0,"busy":[{"kind":"inflight","model":"qwen"}]})"});
  const auto busy = run(power_.activity());
  ASSERT_TRUE(busy);
  EXPECT_EQ(busy->idle, 0s);
  EXPECT_EQ(busy->busy, "1 running (qwen)");
}

TEST_F(ScriptedPowerTest, AnActivityThatCannotBeReadIsAnError) {
  proxy_.answers(kActivity, {403, R"({"message":"not you"})"});
  const auto refused = run(power_.activity());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), testing::HasSubstr("not you"));
  proxy_.answers(kActivity, {200, "hello"});
  EXPECT_FALSE(run(power_.activity()));
  proxy_.answers(kActivity, {0, "", Then::HangUp});
  EXPECT_FALSE(run(power_.activity()));
  PowerClient nobody(io_.get_executor(), pool_, deadlines_, "/no/such/socket");
  EXPECT_FALSE(run(nobody.activity()));
  EXPECT_EQ(nobody.pid(), 0);
}

}  // namespace
}  // namespace rouse::suspendd
