#include "suspendd/proxy/power_client.hpp"

#include "tests/suspendd/checks/check_fixture.hpp"

#include <chrono>
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

}  // namespace
}  // namespace rouse::suspendd
