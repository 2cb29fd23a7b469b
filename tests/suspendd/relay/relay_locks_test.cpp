// Who may not wake a machine by the relay, and what they cannot do to its log.
#include "suspendd/relay/refusal_log.hpp"
#include "suspendd/relay/service.hpp"

#include <gmock/gmock.h>

namespace rouse::suspendd {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

RequestHead wake_as(const std::string& host, const std::string& token = {}) {
  RequestHead head;
  head.method = "POST";
  head.target = "/v1/wake";
  head.fields.add("host", host);
  head.fields.add("content-type", "application/json");
  if (!token.empty()) head.fields.add("authorization", "Bearer " + token);
  return head;
}

int status_of(RelayService& service, const RequestHead& head) {
  const auto refusal = service.refusal(head, RelayService::Clock::now());
  return refusal ? refusal->status : 0;
}

RelayService service_of(const RelayOptions& options) {
  std::vector<std::string> problems;
  RelayRules rules = relay_rules(options, problems);
  EXPECT_THAT(problems, testing::IsEmpty());
  return {std::move(rules), RelayService::Clock::now()};
}

TEST(RelayNames, APageWhoseNameLeadsHereWakesNobodyWithoutAToken) {
  RelayService service = service_of({});
  for (const char* const host : {"evil.example", "evil.example:9009", "127.0.0.1.evil.example"}) {
    EXPECT_EQ(status_of(service, wake_as(host)), 421) << host;
  }
  for (const char* const host : {"127.0.0.1:9009", "localhost:9009", "[::1]:9009", ""}) {
    EXPECT_EQ(status_of(service, wake_as(host)), 0) << host;
  }
  RequestHead health = wake_as("evil.example");
  health.method = "GET";
  health.target = "/health";
  EXPECT_EQ(status_of(service, health), 200) << "it tells nothing";
}

TEST(RelayNames, WithATokenAnyNameIsFine) {
  RelayOptions options;
  options.token = "secret";
  RelayService service = service_of(options);
  EXPECT_EQ(status_of(service, wake_as("relay.example.net", "secret")), 0);
  EXPECT_EQ(status_of(service, wake_as("evil.example")), 401);
}

TEST(RelayBodyWords, AMemberThatNobodyKnowsForgesNoLine) {
  const auto request = parse_relay_request(R"({"x\n12:00 relay: bye\u001b[2J": 1})");
  ASSERT_FALSE(request);
  EXPECT_THAT(request.error().doing, Not(HasSubstr("\n")));
  EXPECT_THAT(request.error().doing, Not(HasSubstr("\x1b")));
  EXPECT_THAT(request.error().doing, HasSubstr("no such member"));
}

TEST(RelayRefusalLog, WritesSomeAndCountsTheRest) {
  RefusalLog log;
  RefusalLog::Clock::time_point now{seconds(1000)};
  for (std::size_t i = 0; i < RefusalLog::kMost; ++i) EXPECT_EQ(log.line("a", now), "a") << i;
  EXPECT_EQ(log.line("a", now), "");
  EXPECT_EQ(log.line("a", now + seconds(59)), "");
  EXPECT_EQ(log.line("b", now + seconds(60)), "b (2 more were not logged)");
  EXPECT_EQ(log.line("b", now + seconds(60)), "b");
}

}  // namespace
}  // namespace rouse::suspendd
