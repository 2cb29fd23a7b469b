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
  Activity kept(std::string_view type, std::string_view body, std::string_view coding = "",
                int status = 200) {
    RequestHead asked;
    asked.target = "/v1/messages";
    RequestRecord account(recorder_, asked, wire::Route{}, "id", "");
    account.row.outcome = status < 400 ? "ok" : "upstream_error";
    account.row.status = status;
    ResponseHead head;
    head.status = status;
    head.fields.add("content-type", type);
    if (!coding.empty()) head.fields.add("content-encoding", coding);
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

TEST_F(AccountTest, CountsAndCapturesACompressedAnswerAsItIs) {
  config_.capture_buffer_mb = 1;
  recorder_.adopt(config_);
  // {"usage":{"prompt_tokens":12,"completion_tokens":3}}
  using namespace std::string_view_literals;
  const Activity row =
      kept("application/json",
           "\x1f\x8b\x08\x08\x00\x00\x00\x00\x02\xff\x6e\x61\x6d\x65\x00\xab\x56\x2a\x2d\x4e"
           "\x4c\x4f\x55\xb2\xaa\x56\x2a\x28\xca\xcf\x2d\x28\x89\x2f\xc9\xcf\x4e\xcd\x2b\x56"
           "\xb2\x32\x34\xd2\x51\x4a\x06\x8a\xe4\xa4\x96\x64\xe6\xe7\xc1\x85\x8d\x6b\x6b\x01"
           "\x44\x0e\x23\x9d\x34\x00\x00\x00"sv,
           "gzip");
  EXPECT_EQ(row.input_tokens, 12);
  EXPECT_EQ(row.output_tokens, 3);
  EXPECT_EQ(row.bytes_out, 68) << "as they went over the wire";
  const std::string shown = recorder_.captures.json(row.id);
  EXPECT_THAT(shown, HasSubstr(R"("resp_body":"eyJ1c2FnZSI6)"));
  EXPECT_THAT(shown, testing::Not(HasSubstr("gzip")));
}

TEST_F(AccountTest, SoundAndPicturesAreNotCaptured) {
  config_.capture_buffer_mb = 1;
  recorder_.adopt(config_);
  const std::string none = R"("resp_body":"")";
  for (const char* const type :
       {"audio/wav", "Image/PNG", "video/mp4", "application/octet-stream"}) {
    EXPECT_THAT(recorder_.captures.json(kept(type, "bytes").id), HasSubstr(none)) << type;
  }
  EXPECT_THAT(recorder_.captures.json(kept("application/json", "{}").id),
              testing::Not(HasSubstr(none)));
  const auto body_of = [&, this](std::string_view path, std::string_view type) {
    RequestHead asked;
    asked.target = path;
    asked.fields.add("content-type", type);
    RequestRecord account(recorder_, asked, *wire::match_route("POST", path).route, "id", "");
    account.sent("{}");
    ResponseHead head;
    head.fields.add("content-type", "application/json");
    account.answered(head);
    account.received("{}");
    account.close(nothing_is_secret);
    const std::string shown = recorder_.captures.json(recorder_.store().next_id() - 1);
    const auto has = [&](std::string_view text) { return shown.find(text) != std::string::npos; };
    return std::pair(!has(R"("req_body":"")"), !has(none));
  };
  using Shown = std::pair<bool, bool>;
  const std::string json = "application/json";
  EXPECT_EQ(body_of("/v1/chat/completions", json), Shown(true, true));
  EXPECT_EQ(body_of("/v1/images/generations", json), Shown(true, false));
  EXPECT_EQ(body_of("/sdapi/v1/img2img", json), Shown(false, false));
  EXPECT_EQ(body_of("/v1/audio/transcriptions", "multipart/form-data; boundary=b"),
            Shown(false, true));
}

TEST_F(AccountTest, AFailureAlwaysSaysSomething) {
  EXPECT_EQ(kept("text/html", "<h1>oh</h1>", "", 502).error, "502 Bad Gateway");
  EXPECT_EQ(kept("application/json", "", "", 503).error, "503 Service Unavailable");
  EXPECT_EQ(kept("application/json", R"({"error":{"message":"full"}})", "", 503).error, "full");
  EXPECT_EQ(kept("application/json", R"({"error":"full"})", "", 503).error, "full");
  EXPECT_EQ(kept("application/json", "{}").error, "");
}

TEST_F(AccountTest, WhatNobodySaysIsNoMinusOne) {
  const std::string row = to_json(kept("application/json", "{}"));
  EXPECT_THAT(row, testing::Not(HasSubstr(":-1")));
  EXPECT_THAT(row, HasSubstr(R"("cache_tokens":0,"draft_tokens":0,"draft_acc_tokens":0)"));
  EXPECT_THAT(row, HasSubstr(R"("prompt_per_second":0)"));
  EXPECT_THAT(row, testing::Not(HasSubstr("ttft_ms")));
  EXPECT_THAT(row, testing::Not(HasSubstr("reasoning_tokens")));
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
