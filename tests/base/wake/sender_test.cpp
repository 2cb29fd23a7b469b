#include "base/wake/sender.hpp"

#include "base/async/use_task.hpp"
#include "base/http/server.hpp"
#include "tests/base/http/stream_fixture.hpp"
#include "tests/support/netns.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cerrno>
#include <list>

namespace rouse {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// A server that notes what it is asked, and answers as it is told, or not yet.
class WakeSenderTest : public StreamFixture {
 protected:
  struct Asked {
    RequestHead head;
    std::string body;
  };

  Task<void> serve(std::unique_ptr<HttpStream> stream) {
    auto head = co_await stream->read_request();
    if (!head || !*head) co_return;
    std::string body = co_await whole_body(*stream);
    asked_.push_back(Asked{std::move(**head), std::move(body)});
    while (held_) {
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) co_return;
      co_await let_go_.async_wait(use_task);
    }
    ResponseHead answer;
    answer.status = status_;
    answer.framing = Framing::Length;
    answer.content_length = answer_.size();
    const auto sent = co_await stream->write_response(answer, answer_, false);
    static_cast<void>(sent);
  }

  Endpoint listen() {
    const auto address = server_.listen("127.0.0.1", 0);
    EXPECT_TRUE(address) << address.error().message();
    return *Endpoint::parse("http://" + *address);
  }
  static WakePlan plan_without_packets() {
    WakePlan plan;
    plan.broadcasts = false;
    plan.macs.push_back(*MacAddress::parse("3c:7c:3f:12:34:56"));
    plan.macs.push_back(*MacAddress::parse("3c:7c:3f:12:34:57"));
    return plan;
  }
  std::vector<WakeResult> volley(WakePlan plan) {
    WakeSender sender(group_, deadlines_, std::move(plan));
    return run(sender.volley_to_end());
  }
  void note(WakeSender& sender) {
    sender.volley([this](const WakeResult& result) { results_.push_back(result); });
  }

  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;
  Timer let_go_{io_.get_executor(), Timer::time_point::max()};
  bool held_ = false;
  int status_ = 200;
  std::string answer_ = "{}";
  std::list<Asked> asked_;
  std::vector<WakeResult> results_;
  HttpServer server_{
      group_,
      [this](std::unique_ptr<HttpStream> stream, std::string) { return serve(std::move(stream)); },
      HttpLimits(), deadlines_, 8};
};

TEST_F(WakeSenderTest, TheRelayIsToldWhomAndHow) {
  WakePlan plan = plan_without_packets();
  plan.relay = WakeRelay{listen(), "secret"};
  plan.ports = {9, 7};
  plan.secureon = *SecureOn::parse("192.168.1.2");
  answer_ = R"({"message":"4 of 4 packets sent","sent":4})";
  const auto results = volley(plan);
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_TRUE(results[0].ok);
  EXPECT_EQ(results[0].path, "relay");
  EXPECT_EQ(results[0].code, 200);
  EXPECT_EQ(results[0].text, "answered 200: 4 of 4 packets sent");
  ASSERT_THAT(asked_, SizeIs(1));
  const Asked& asked = asked_.front();
  EXPECT_EQ(asked.head.method, "POST");
  EXPECT_EQ(asked.head.target, "/v1/wake");
  EXPECT_EQ(asked.head.fields.find("authorization"), "Bearer secret");
  EXPECT_EQ(asked.head.fields.find("content-type"), "application/json");
  EXPECT_EQ(asked.body, R"({"macs":["3c:7c:3f:12:34:56","3c:7c:3f:12:34:57"],"ports":[9,7],)"
                        R"("secureon":"192.168.1.2"})");
}

TEST_F(WakeSenderTest, ARelayThatRefusesSaysWhy) {
  WakePlan plan = plan_without_packets();
  plan.relay = WakeRelay{listen(), "wrong"};
  status_ = 401;
  answer_ = R"({"code":"unauthorized","message":"the token is missing or wrong"})";
  const auto results = volley(plan);
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_FALSE(results[0].ok);
  EXPECT_EQ(results[0].code, 401);
  EXPECT_THAT(results[0].text, HasSubstr("the token is missing or wrong"));
  EXPECT_THAT(results[0].text, Not(HasSubstr("wrong\n")));
}

TEST_F(WakeSenderTest, AHookIsSentAsItIsWritten) {
  WakePlan plan = plan_without_packets();
  WakeHook hook;
  hook.method = "PUT";
  hook.url = listen();
  hook.target = "/switch/?who=a%20b";
  hook.headers.add("Authorization", "Bearer home");
  hook.body = "on";
  plan.hook = hook;
  status_ = 204;
  answer_.clear();
  const auto results = volley(plan);
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_TRUE(results[0].ok);
  EXPECT_EQ(results[0].code, 204);
  ASSERT_THAT(asked_, SizeIs(1));
  EXPECT_EQ(asked_.front().head.method, "PUT");
  EXPECT_EQ(asked_.front().head.target, "/switch/?who=a%20b");
  EXPECT_EQ(asked_.front().head.fields.find("authorization"), "Bearer home");
  EXPECT_EQ(asked_.front().body, "on");
}

TEST_F(WakeSenderTest, ARedirectIsNoSuccess) {
  WakePlan plan;
  plan.hook = WakeHook{"GET", listen(), "/", {}, {}};
  status_ = 302;
  const auto results = volley(plan);
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_FALSE(results[0].ok);
  EXPECT_THAT(results[0].text, HasSubstr("redirects are not followed"));
}

TEST_F(WakeSenderTest, EachPathFailsForItself) {
  const std::uint16_t nobody = test::free_port();
  WakePlan plan = plan_without_packets();
  plan.relay = WakeRelay{*Endpoint::parse(fmt::format("http://127.0.0.1:{}", nobody)), ""};
  plan.hook = WakeHook{"POST", listen(), "/", {}, {}};
  plan.command = {"/no/such/program"};
  plan.interface = "no-such-device";  // of the packets alone
  plan.broadcasts = true;
  const auto results = volley(plan);
  std::vector<std::string> told;
  for (const WakeResult& each : results) told.push_back(fmt::format("{} {}", each.path, each.code));
  EXPECT_THAT(told, testing::UnorderedElementsAre(fmt::format("broadcast {}", ENODEV),
                                                  fmt::format("broadcast {}", ENODEV), "http 200",
                                                  fmt::format("relay {}", ECONNREFUSED),
                                                  fmt::format("command {}", ENOENT)));
}

TEST_F(WakeSenderTest, ASlowPathHoldsNoVolleyUpAndIsNotBegunTwice) {
  WakePlan plan = plan_without_packets();
  plan.relay = WakeRelay{listen(), ""};
  held_ = true;
  WakeSender sender(group_, deadlines_, plan);
  note(sender);
  ASSERT_TRUE(run_until([this] { return asked_.size() == 1; }));
  note(sender);
  note(sender);
  EXPECT_THAT(results_, IsEmpty());
  held_ = false;
  let_go_.cancel();
  ASSERT_TRUE(run_until([this] { return results_.size() == 1; }));
  EXPECT_THAT(asked_, SizeIs(1));
  // It has answered: packets may be lost behind it, so the next volley asks again.
  note(sender);
  ASSERT_TRUE(run_until([this] { return results_.size() == 2; }));
  EXPECT_THAT(asked_, SizeIs(2));
}

TEST_F(WakeSenderTest, AHookThatSucceededIsLeftAloneForAWhile) {
  WakePlan plan;
  plan.hook = WakeHook{"POST", listen(), "/", {}, {}};
  WakeSender sender(group_, deadlines_, plan);
  status_ = 500;
  note(sender);
  ASSERT_TRUE(run_until([this] { return results_.size() == 1; }));
  status_ = 200;
  note(sender);  // the first one failed
  ASSERT_TRUE(run_until([this] { return results_.size() == 2; }));
  note(sender);
  const auto none = run(sender.volley_to_end());
  EXPECT_THAT(none, IsEmpty());
  EXPECT_THAT(asked_, SizeIs(2));
}

TEST_F(WakeSenderTest, ACommandGetsTheAddressesAndTellsItsEnd) {
  const test::TempDir dir;
  WakePlan plan = plan_without_packets();
  plan.command = {"sh", "-c", "echo first; echo \"for $WAKE_MACS\""};
  auto results = volley(plan);
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_TRUE(results[0].ok);
  EXPECT_EQ(results[0].destination, "sh");
  EXPECT_EQ(results[0].text, "exited with status 0: for 3c:7c:3f:12:34:56 3c:7c:3f:12:34:57");
  plan.command = {"sh", "-c", "echo no such host; exit 4"};
  results = volley(plan);
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_FALSE(results[0].ok);
  EXPECT_EQ(results[0].code, 4);
  EXPECT_EQ(results[0].text, "exited with status 4: no such host");
}

TEST_F(WakeSenderTest, ACommandThatHangsIsKilled) {
  WakePlan plan;
  plan.command = {"sleep", "1000"};
  plan.command_timeout = std::chrono::milliseconds(50);
  const auto results = volley(plan);
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_FALSE(results[0].ok);
  EXPECT_THAT(results[0].text, HasSubstr("was killed"));
}

TEST_F(WakeSenderTest, WithoutAddressesOnlyWhatNeedsNoneIsUsed) {
  WakePlan plan;
  plan.relay = WakeRelay{listen(), ""};
  plan.command = {"true"};
  EXPECT_THAT(volley(plan), ElementsAre(Field(&WakeResult::path, "command")));
  plan.command.clear();
  EXPECT_THAT(volley(plan), IsEmpty());
  EXPECT_THAT(asked_, IsEmpty());
}

TEST_F(WakeSenderTest, MayGoWhileItsPathsAreAtWork) {
  held_ = true;
  {
    WakePlan plan = plan_without_packets();
    plan.relay = WakeRelay{listen(), ""};
    WakeSender sender(group_, deadlines_, plan);
    note(sender);
  }
  ASSERT_TRUE(run_until([this] { return asked_.size() == 1; }));
  held_ = false;
  let_go_.cancel();
  EXPECT_TRUE(run_until([this] { return results_.size() == 1; }));
}

class WakeSenderNetns : public test::NetnsTest {};

TEST_F(WakeSenderNetns, PacketsAreToldBeforeTheCallReturns) {
  inside([] {
    test::Wire lan("eth0", "far0");
    test::ip("addr add 10.9.1.1/24 brd + dev eth0");
    test::drop_capabilities();
    asio::io_context io(1);
    TaskGroup tasks(io.get_executor(), [](const std::string&) {});
    StreamDeadlines deadlines(io.get_executor());
    WakePlan plan;
    plan.macs.push_back(*MacAddress::parse("3c:7c:3f:12:34:56"));
    WakeSender sender(tasks, deadlines, plan);
    std::vector<WakeResult> results;
    sender.volley([&results](const WakeResult& result) { results.push_back(result); });
    EXPECT_THAT(results, testing::AllOf(SizeIs(2), Each(Field(&WakeResult::ok, true))));
    int seen = 0;
    for (const test::Frame& frame : lan.frames()) seen += find_magic_packet(frame.bytes) ? 1 : 0;
    EXPECT_EQ(seen, 2);
  });
}

}  // namespace
}  // namespace rouse
