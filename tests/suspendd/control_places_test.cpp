// The daemon's socket when somebody crowds in: its places, what is read, and what is kept.
#include "base/http/ask.hpp"
#include "suspendd/control_server.hpp"
#include "suspendd/proxy/json_ask.hpp"
#include "tests/support/skip.hpp"
#include "tests/suspendd/raw_client.hpp"
#include "tests/suspendd/runner_fixture.hpp"

#include <fmt/format.h>

#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ControlPlacesTest : public RunnerFixture {
 protected:
  void SetUp() override {
    RunnerFixture::SetUp();
    config_->control_socket = dir_ / "s.sock";
    server_.configure(config_);
    ASSERT_EQ(server_.listen(*config_), "");
    loop_.tell(policy::Started());
  }
  void TearDown() override {
    server_.stop_accepting();
    RunnerFixture::TearDown();
  }
  HttpAnswer post(const std::string& path, const std::string& body) {
    HttpAsk asked = json_ask(unix_endpoint(config_->control_socket), "POST", path, body, 9s);
    Result<HttpAnswer> answer = run(http_ask(pool_, std::move(asked)));
    EXPECT_TRUE(answer) << path;
    return answer ? std::move(*answer) : HttpAnswer();
  }
  Task<Report> report() {
    Report report;
    report.view = loop_.view();
    report.now = loop_.now();
    report.config = config_;
    co_return report;
  }
  ControlServer server_{group_,
                        deadlines_,
                        loop_,
                        notices_,
                        state_,
                        [this] { return report(); },
                        [](std::optional<policy::WallTime>) {},
                        500ms};
};

TEST_F(ControlPlacesTest, NobodyKeepsRootFromTheGate) {
  if (::geteuid() != 0) ROUSE_SKIP("root", "only root can become somebody else");
  std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(config_->control_socket, std::filesystem::perms(0777));
  std::vector<std::unique_ptr<test::RawClient>> crowd;
  const auto crowd_in = [&](unsigned user, std::size_t count) {
    std::thread([&] {
      // Not glibc's functions, which change every thread of the process.
      EXPECT_EQ(::syscall(SYS_setresuid, user, user, user), 0);
      for (std::size_t i = 0; i < count; ++i) {
        crowd.push_back(std::make_unique<test::RawClient>(config_->control_socket));
      }
    }).join();
  };
  crowd_in(65534, 257);
  EXPECT_TRUE(run_until([&] { return crowd.back()->hears(); })) << "one too many of a user";
  EXPECT_FALSE(crowd.front()->hears());
  crowd_in(65533, 257);
  crowd_in(65532, 1);
  EXPECT_TRUE(run_until([&] { return crowd.back()->hears(); })) << "there is no place any more";
  const HttpAnswer answer = post("/v1/unblock", "{}");
  EXPECT_EQ(answer.status, 200) << answer.body;
}

TEST_F(ControlPlacesTest, WhoDoesNotReadIsNotWaitedFor) {
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(state_.add_history("{\"x\":\"" + std::string(1000, 'x') + "\"}"));
  }
  const test::RawClient probe(config_->control_socket);
  probe.send("GET /v1/history?last=100000 HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(run_until([&] { return probe.hears(); }));
  EXPECT_TRUE(run_until([&] { return probe.is_left(); })) << "its place is taken for ever";
}

TEST_F(ControlPlacesTest, ABoundHoldStaysHoweverLong) {
  const test::RawClient probe(config_->control_socket);
  const std::string body = R"({"why":"a job","bound":true})";
  probe.send(fmt::format("POST /v1/hold HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}",
                         body.size(), body));
  ASSERT_TRUE(run_until([&] { return !loop_.view().holds.empty(); }));
  const test::RawClient silent(config_->control_socket);
  ASSERT_TRUE(run_until([&] { return silent.is_left(); })) << "who came later has had its time";
  EXPECT_FALSE(probe.is_left());
  EXPECT_THAT(loop_.view().holds, SizeIs(1));
}

TEST_F(ControlPlacesTest, HoldsHaveABound) {
  for (int i = 0; i < 512; ++i) {
    loop_.tell(policy::HoldWanted{loop_.next_command(), std::to_string(i), "", "", {}, false});
  }
  const HttpAnswer refused = post("/v1/hold", R"({"why":"one more"})");
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, HasSubstr("too many holds"));
  EXPECT_EQ(post("/v1/release", R"({"token":"7"})").status, 200);
  EXPECT_EQ(post("/v1/hold", R"({"why":"one more"})").status, 200);
}

TEST_F(ControlPlacesTest, AReasonIsShortAndSteersNoTerminal) {
  ASSERT_EQ(post("/v1/hold", R"({"why":"\u009b31mred)" + std::string(9000, 'x') + "\"}").status,
            200);
  ASSERT_THAT(loop_.view().holds, SizeIs(1));
  EXPECT_THAT(loop_.view().holds[0].why, testing::StartsWith("?31mred"));
  EXPECT_LT(loop_.view().holds[0].why.size(), 600U);
  EXPECT_EQ(post("/v1/hold", R"({"token":")" + std::string(101, 't') + "\"}").status, 400);
}

TEST_F(ControlPlacesTest, ATimeThatIsNoneIsRefusedInsteadOfForgotten) {
  for (const char* const time :
       {"\"60\"", "1e30", "-1", "9223372036854775807", "18446744073709551615", "true"}) {
    EXPECT_EQ(post("/v1/hold", fmt::format(R"({{"for_ms":{}}})", time)).status, 400) << time;
    EXPECT_EQ(post("/v1/wake-test", fmt::format(R"({{"net_ms":{}}})", time)).status, 400) << time;
  }
  EXPECT_THAT(loop_.view().holds, IsEmpty());
  EXPECT_EQ(post("/v1/hold", R"({"for_ms":null})").status, 200);
}

}  // namespace
}  // namespace rouse::suspendd
