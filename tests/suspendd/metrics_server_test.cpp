#include "suspendd/metrics_server.hpp"

#include "base/http/ask.hpp"
#include "suspendd/proxy/json_ask.hpp"
#include "tests/suspendd/raw_client.hpp"
#include "tests/suspendd/runner_fixture.hpp"

namespace rouse::suspendd {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class MetricsServerTest : public RunnerFixture {
 protected:
  void TearDown() override {
    server_.stop_accepting();
    RunnerFixture::TearDown();
  }
  void listen() { ASSERT_TRUE(server_.listen({"127.0.0.1", 0})); }
  HttpAnswer ask_as(const std::string& host, const std::string& path = "/metrics") {
    HttpAsk asked = json_ask(*Endpoint::parse("http://" + server_.address()), "GET", path, {}, 9s);
    asked.fields.add("host", host);
    Result<HttpAnswer> answer = run(http_ask(pool_, std::move(asked)));
    EXPECT_TRUE(answer);
    return answer ? std::move(*answer) : HttpAnswer();
  }
  Task<Report> report() {
    ++reports_;
    Report report;
    report.view = loop_.view();
    report.now = loop_.now();
    report.config = config_;
    co_return report;
  }

  int reports_ = 0;
  MetricsServer server_{group_, deadlines_, [this] { return report(); }, 300ms};
};

TEST_F(MetricsServerTest, APageWhoseNameLeadsHereReadsNothing) {
  listen();
  for (const char* const host : {"evil.example", "evil.example:9765", "127.0.0.1.evil.example"}) {
    const HttpAnswer answer = ask_as(host);
    EXPECT_EQ(answer.status, 421) << host;
    EXPECT_THAT(answer.body, HasSubstr("metrics.hosts"));
    EXPECT_EQ(ask_as(host, "/").status, 421) << host;
  }
  EXPECT_EQ(reports_, 0);
  for (const char* const host : {"127.0.0.1:9765", "[::1]:9765", "localhost", "box", "x.ts.net"}) {
    EXPECT_EQ(ask_as(host).status, 200) << host;
  }
}

TEST_F(MetricsServerTest, MayBeAskedForByTheNamesThatAreListed) {
  config_->metrics_hosts = {"box.example.net", "*.example.org"};
  server_.configure(*config_);
  listen();
  EXPECT_EQ(ask_as("Box.example.net:9765").status, 200);
  EXPECT_EQ(ask_as("a.b.example.org").status, 200);
  EXPECT_EQ(ask_as("xbox.example.net").status, 421);
  EXPECT_EQ(ask_as("example.org").status, 421);
}

TEST_F(MetricsServerTest, MakesOneReportForManyWhoAsk) {
  listen();
  for (int i = 0; i < 20; ++i) EXPECT_THAT(ask_as("localhost").body, HasSubstr("rouse_suspendd"));
  EXPECT_LE(reports_, 3) << "one a second";
}

TEST_F(MetricsServerTest, WhoSaysNothingIsNotWaitedFor) {
  listen();
  const Endpoint endpoint = *Endpoint::parse("http://" + server_.address());
  const test::RawClient silent(endpoint.port);
  EXPECT_TRUE(run_until([&] { return silent.is_left(); })) << "its place is taken for ever";
}

}  // namespace
}  // namespace rouse::suspendd
