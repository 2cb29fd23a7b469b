#include "proxy/wire/refusal.hpp"

#include "base/http/stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using core::RefusalCause;

Failure of(RefusalCause cause, core::Duration retry_after = 0ms) {
  return failure_of(core::Refuse{core::Ticket{1}, cause, "so", retry_after});
}

TEST(Refusal, SaysWhetherToComeBackAndWhen) {
  const Failure full = of(RefusalCause::QueueFull, 2500ms);
  EXPECT_EQ(full.status, 429);
  EXPECT_TRUE(full.passing);
  EXPECT_EQ(full.retry_after_s, 3) << "rounded up";
  EXPECT_EQ(of(RefusalCause::ShuttingDown, 1h).retry_after_s, 30) << "clients give up";
  EXPECT_EQ(of(RefusalCause::TooLong).retry_after_s, 1);
  EXPECT_EQ(of(RefusalCause::Unloaded).status, 503);
  const Failure unknown = of(RefusalCause::UnknownModel);
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.text.code, "model_not_found");
  EXPECT_FALSE(unknown.passing);
  EXPECT_EQ(unknown.retry_after_s, 0);
}

TEST(Refusal, AnEngineThatCannotBeStartedIsNotMendedByWaiting) {
  const Failure open = of(RefusalCause::CircuitOpen, 10s);
  EXPECT_EQ(open.status, 503);
  EXPECT_FALSE(open.passing);
  EXPECT_TRUE(open.load_failed);
  EXPECT_EQ(open.retry_after_s, 10);
  const Failure failed = of(RefusalCause::LoadFailed);
  EXPECT_TRUE(failed.passing);
  EXPECT_TRUE(failed.load_failed);
  const Failure missing = cannot_start("no file");
  EXPECT_FALSE(missing.passing);
  EXPECT_TRUE(missing.load_failed);
  EXPECT_EQ(missing.retry_after_s, 30);
}

TEST(Refusal, ABodyThatBrokeOffEndsTheConnection) {
  const Failure large = body_failure({make_error_code(HttpErrc::BodyTooLarge), "reading"});
  EXPECT_EQ(large.status, 413);
  EXPECT_TRUE(large.body_unread);
  const Failure lost = body_failure(
      {boost::system::errc::make_error_code(boost::system::errc::connection_reset), "reading"});
  EXPECT_EQ(lost.status, 400);
}

TEST(Refusal, OfAHeadTellsWhenToComeBackIfThatHelps) {
  EXPECT_EQ(error_head(503, 7).fields.find("retry-after"), "7");
  EXPECT_FALSE(error_head(404, 0).fields.contains("retry-after"));
  EXPECT_EQ(error_head(409, 0).fields.find("x-should-retry"), "false") << "OpenAI's library asks";
  EXPECT_FALSE(error_head(503, 7).fields.contains("x-should-retry"));
  EXPECT_EQ(own_head(200, "text/plain").fields.find("content-type"), "text/plain");
  EXPECT_FALSE(own_head(204, "").fields.contains("content-type"));
}

TEST(RequestId, IsTheClientsWhereALogCanShowIt) {
  const auto id_for = [](std::string given) {
    RequestHead head;
    head.fields.add("X-Request-ID", std::move(given));
    return request_id_for(head);
  };
  EXPECT_EQ(id_for("a-b:1"), "a-b:1");
  EXPECT_EQ(id_for(std::string(128, 'x')), std::string(128, 'x'));
  for (const std::string& unfit : {std::string(), std::string(129, 'x'), std::string("a b"),
                                   std::string("a\nb"), std::string("\xc3\xa4")}) {
    EXPECT_NE(id_for(unfit), unfit);
    EXPECT_EQ(id_for(unfit).size(), 36U);
  }
  EXPECT_NE(fresh_id(), fresh_id());
}

TEST(RequestId, IsAUuidThatSortsByTime) {
  const std::string first = fresh_id();
  EXPECT_THAT(first, testing::MatchesRegex(
                         "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count();
  const long long said = std::stoll(first.substr(0, 8) + first.substr(9, 4), nullptr, 16);
  EXPECT_NEAR(static_cast<double>(said), static_cast<double>(ms), 5'000);
}

}  // namespace
}  // namespace rouse
