#include "proxy/request/request_record.hpp"

#include "base/async/task_group.hpp"
#include "proxy/telemetry/activity/query.hpp"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class AccountTest : public testing::Test {
 protected:
  static Task<void> keep(Task<std::optional<ActivityPage>> task,
                         std::optional<ActivityPage>& into) {
    into = co_await std::move(task);
  }

  static bool nothing_is_secret(const Fields::Field&) { return false; }

  /// What is kept of a request that @p body answers.
  Activity kept(std::string_view type, std::string_view body) {
    RequestHead asked;
    asked.target = "/v1/messages";
    RequestRecord account(recorder_, asked, wire::Route{}, "id", "");
    account.row.outcome = "ok";
    ResponseHead head;
    head.fields.add("content-type", type);
    account.answered(head);
    account.received(body);
    account.close(nothing_is_secret);
    std::optional<ActivityPage> page;
    group_.spawn(keep(recorder_.store().page({}), page));
    for (int i = 0; i < 500 && !page; ++i) {
      loop_.restart();
      loop_.run_for(10ms);
    }
    EXPECT_TRUE(page && !page->rows.empty());
    return page && !page->rows.empty() ? page->rows.front() : Activity();
  }

  boost::asio::io_context loop_{1};
  TaskGroup group_{loop_.get_executor(), [](const std::string& what) { FAIL() << what; }};
  Config config_;
  Recorder recorder_{loop_.get_executor(), config_};
};

TEST_F(AccountTest, CountsTheInputAsThePeerDoesAndWhole) {
  const Activity row =
      kept("application/json", R"({"usage":{"input_tokens":10,"cache_creation_input_tokens":100,)"
                               R"("cache_read_input_tokens":1000,"output_tokens":7}})");
  EXPECT_EQ(row.input_tokens, 1110);
  EXPECT_EQ(row.plain_input_tokens, 10);
  EXPECT_THAT(to_json(row), HasSubstr(R"("input_tokens":10,)"));
  EXPECT_THAT(to_json(row), HasSubstr(R"("prompt_tokens":1110,)"));
}

TEST_F(AccountTest, AnEngineThatHasWorkedLongerIsBelieved) {
  const Activity row =
      kept("application/json", R"({"timings":{"prompt_n":3,"cache_n":20,"predicted_n":4,)"
                               R"("prompt_ms":5000.75,"predicted_ms":60000.5}})");
  EXPECT_EQ(row.duration_ms, 65001);
  EXPECT_EQ(row.input_tokens, 23);
  EXPECT_EQ(row.plain_input_tokens, 3);
  EXPECT_LT(kept("application/json", R"({"timings":{"prompt_ms":-9e9,"predicted_ms":1e300}})")
                .duration_ms,
            60000);
}

}  // namespace
}  // namespace rouse
