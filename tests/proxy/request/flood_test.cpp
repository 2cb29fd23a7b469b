// Slow senders and full memory, with both of a request's sides in the test's hands.
#include "core/held_bytes.hpp"
#include "tests/support/exchange_world.hpp"

#include <gmock/gmock.h>

namespace rouse {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;
using namespace std::chrono_literals;

constexpr std::string_view kChat = "/v1/chat/completions";
constexpr std::string_view kEventHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

class Floods : public ExchangeWorld {
 protected:
  /// One model m for one request at once, loaded, whose engine is engine_. @p limits: of the file.
  void start_with(const std::string& limits) {
    start(
        "models:\n  m:\n    cmd: /bin/sleep 600\n    checkEndpoint: none\n    concurrencyLimit: 1\n"
        "    proxy: http://127.0.0.1:" +
        std::to_string(engine_.port()) + "\nlimits: " + limits + "\n");
    load("m");
    engine_.listen();
    connect_client();
  }
  /// A request that has told @p length, and not more than @p first of its body.
  void begin(std::size_t length, const std::string& first) {
    say("POST /v1/chat/completions HTTP/1.1\r\nHost: r\r\nContent-Length: " +
        std::to_string(length) + "\r\n\r\n" + first);
  }
  /// Its model is known, and all that follows without waiting for the client has been done.
  void comes_as_far_as_it_can() {
    ASSERT_TRUE(run_until([this] {
      const auto& entries = recorder().in_flight.entries();
      return !entries.empty() && entries.begin()->second->model() == "m";
    }));
    for (int turns = 0; turns < 50; ++turns) io_.poll();
  }
  std::unique_ptr<AdmissionTicket> another() {
    return dispatcher().enter(*config().find_exact("m"), 0, "other");
  }
  /// A byte now and then, until the client hears @p end.
  std::string drip_until(std::string_view end) {
    std::string told;
    auto next = std::chrono::steady_clock::now();
    const bool came = run_until([&] {
      told += heard();
      const auto now = std::chrono::steady_clock::now();
      if (now >= next) {
        (void)::send(peer_.get(), " ", 1, MSG_NOSIGNAL);
        next = now + 100ms;
      }
      return told.find(end) != std::string::npos;
    });
    EXPECT_TRUE(came) << "the client has heard only: " << told;
    return told;
  }

  OtherSide engine_{*this};
};

// --- places --------------------------------------------------------------------------------------

TEST_F(Floods, ABodyThatIsNotWholeHoldsNoPlace) {
  start_with("{}");
  begin(30, R"({"model":"m",)");
  comes_as_far_as_it_can();
  std::unique_ptr<AdmissionTicket> other = another();
  EXPECT_EQ(other->state(), AdmissionTicket::State::Admitted) << "a slow sender has the place";
  other.reset();
  EXPECT_FALSE(engine_.has_caller());
  say(R"("messages":"12"})");
  say(" ");
  engine_.accept();
  EXPECT_THAT(engine_.hear_request(), EndsWith(R"({"model":"m","messages":"12"} )"));
  engine_.answer(200, "{}");
  client_hears("{}");
}

TEST_F(Floods, ABodyForAnEnginesOwnApiHoldsNoPlaceEither) {
  start_with("{}");
  say("POST /upstream/m/x HTTP/1.1\r\nHost: r\r\nContent-Length: 10\r\n\r\n{\"a\"");
  comes_as_far_as_it_can();
  std::unique_ptr<AdmissionTicket> other = another();
  EXPECT_EQ(other->state(), AdmissionTicket::State::Admitted) << "a slow sender has the place";
  other.reset();
  say(":\"bc\"}");
  engine_.accept();
  EXPECT_THAT(engine_.hear_request(), EndsWith(R"({"a":"bc"})"));
}

TEST_F(Floods, WhatGoesToAnEnginesOwnApiIsNotLookedAt) {
  start_with("{bodyRateMin: 0}");
  const std::string body = R"({"model":"other","stream":true})";
  say("POST /upstream/m/x HTTP/1.1\r\nHost: r\r\nContent-Type: text/plain\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  engine_.accept();
  EXPECT_THAT(engine_.hear_request(), AllOf(HasSubstr("text/plain\r\n"), EndsWith(body)));
}

TEST_F(Floods, ALongBodyNeedNotBeWhole) {
  start_with("{}");
  begin(9'000'000, R"({"model":"m",)");
  engine_.accept();
  engine_.hear(R"({"model":"m",)");
}

TEST_F(Floods, AnEditedBodyIsWholeBeforeItHasAPlace) {
  start(
      "models:\n  m:\n    cmd: /bin/sleep 600\n    checkEndpoint: none\n    concurrencyLimit: 1\n"
      "    filters: {setParams: {seed: 7}}\n    proxy: http://127.0.0.1:" +
      std::to_string(engine_.port()) + "\n");
  load("m");
  engine_.listen();
  connect_client();
  begin(9'000'000, R"({"model":"m",)");
  comes_as_far_as_it_can();
  EXPECT_EQ(another()->state(), AdmissionTicket::State::Admitted) << "a slow sender has the place";
}

// --- rates ---------------------------------------------------------------------------------------

TEST_F(Floods, ABodySlowerThanTheLeastRateIsRefused) {
  start_with("{bodyTimeout: 500ms, bodyRateMin: 1KiB}");
  begin(1000, R"({"model":"m",)");
  const std::string told = drip_until("limits.bodyRateMin");
  EXPECT_THAT(told, AllOf(StartsWith("HTTP/1.1 408 "), HasSubstr("1024 bytes a second")));
  EXPECT_FALSE(engine_.has_caller());
}

TEST_F(Floods, ALongBodyThatBecomesSlowLosesItsPlace) {
  start_with("{bodyTimeout: 500ms, bodyRateMin: 1KiB}");
  begin(9'000'000, R"({"model":"m",)");
  engine_.accept();
  engine_.hear(R"({"model":"m",)");
  EXPECT_THAT(drip_until("limits.bodyRateMin"), StartsWith("HTTP/1.1 408 "));
  EXPECT_TRUE(engine_.is_left());
  EXPECT_EQ(another()->state(), AdmissionTicket::State::Admitted);
}

TEST_F(Floods, WithoutALeastRateOnlySilenceEndsABody) {
  start_with("{bodyTimeout: 500ms, bodyRateMin: 0}");
  const std::string body = R"({"model":"m"               })";
  begin(body.size(), R"({"model":"m")");
  auto next = std::chrono::steady_clock::now();
  std::size_t sent = 12;
  ASSERT_TRUE(run_until([&] {
    const auto now = std::chrono::steady_clock::now();
    if (now >= next && sent < body.size()) {
      say(body.substr(sent++, 1));
      next = now + 100ms;
    }
    return engine_.has_caller();
  }));
  engine_.accept();
  EXPECT_THAT(engine_.hear_request(), EndsWith(body));
}

TEST_F(Floods, WhoReadsNothingForLongIsCutAlthoughNobodyWaits) {
  start_with("{idleTimeout: 1s}");
  ask(kChat, R"({"model":"m","stream":true})");
  engine_.accept();
  engine_.hear_request();
  engine_.say(kEventHead);
  client_hears("\r\n\r\n");
  const std::string piece = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
  ASSERT_TRUE(run_until([&] { return !engine_.say_at_once(piece); })) << "nothing stalls";
  EXPECT_TRUE(engine_.is_left());
}

// --- memory --------------------------------------------------------------------------------------

TEST_F(Floods, WhatDoesNotFitIsRefusedForAMoment) {
  start_with("{bodyMax: 1KiB, heldMax: 1KiB}");
  core::HeldBytes::Share others(proxy().held);
  ASSERT_TRUE(others.add(1000));
  ask(kChat, R"({"messages":[],"model":"m"})");
  const std::string told = client_hears("limits.heldMax");
  EXPECT_THAT(told, AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("retry-after: 5\r\n")));
  EXPECT_THAT(told, HasSubstr(R"("code":"held_full")"));
  EXPECT_EQ(proxy().held.used(), 1000U);
  EXPECT_THAT(recorder().metrics.text({}),
              HasSubstr(R"(rouse_rejected_requests_total{client="",reason="held_full"} 1)"));
}

TEST_F(Floods, WhatIsRefusedIsLetGoBeforeItsClientHasLeft) {
  start_with("{bodyMax: 1KiB, heldMax: 1KiB}");
  core::HeldBytes::Share others(proxy().held);
  ASSERT_TRUE(others.add(700));
  begin(900, R"({"messages":[])" + std::string(200, ' '));
  ASSERT_TRUE(run_until([this] { return proxy().held.used() > 900; }));
  say(std::string(300, ' '));
  EXPECT_THAT(client_hears("limits.heldMax"), StartsWith("HTTP/1.1 503 "));
  ASSERT_FALSE(is_quiet()) << "this shows nothing: nobody is waited for any more";
  EXPECT_EQ(proxy().held.used(), 700U);
}

TEST_F(Floods, WhoMustNotBeReadPassesWhereMuchIsHeld) {
  start_with("{bodyMax: 1KiB, heldMax: 1KiB}");
  core::HeldBytes::Share others(proxy().held);
  ASSERT_TRUE(others.add(900));
  begin(500, R"({"model":"m")");
  engine_.accept();
  engine_.hear(R"({"model":"m")");
  EXPECT_EQ(proxy().held.used(), 900U) << "what cannot be sent again is held";
  say(std::string(487, ' ') + "}");
  engine_.hear("  ");
  engine_.answer(200, "{}");
  client_hears("{}");
}

TEST_F(Floods, ABodyIsHeldUntilItsAnswerHasBegun) {
  start_with("{}");
  const std::string body = R"({"model":"m","stream":true})";
  ask(kChat, body);
  engine_.accept();
  engine_.hear_request();
  EXPECT_EQ(proxy().held.used(), body.size());
  engine_.say(kEventHead);
  client_hears("\r\n\r\n");
  EXPECT_EQ(proxy().held.used(), 0U);
}

TEST_F(Floods, TheEndOfAClientIsNoticedBehindWhatIsUnread) {
  start_with("{}");
  const std::unique_ptr<AdmissionTicket> other = another();
  const int small = 64 * 1024;
  ASSERT_EQ(::setsockopt(peer_.get(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
  begin(60'000'000, R"({"model":"m",)");
  comes_as_far_as_it_can();
  const std::string piece(16 * 1024, ' ');
  while (::send(peer_.get(), piece.data(), piece.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
  }
  client_leaves();
  EXPECT_TRUE(run_until([this] { return is_quiet(); })) << "nobody has noticed";
  EXPECT_EQ(other->state(), AdmissionTicket::State::Admitted);
  EXPECT_FALSE(engine_.has_caller());
}

}  // namespace
}  // namespace rouse
