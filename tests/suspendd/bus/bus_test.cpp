#include "suspendd/bus/bus.hpp"

#include "tests/suspendd/bus/bus_fixture.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <gmock/gmock.h>

#include <cstdlib>
#include <set>
#include <string>
#include <vector>

namespace rouse::suspendd {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

BusCall call_of(std::string member, milliseconds timeout = milliseconds(5000)) {
  BusCall call;
  call.to = {"org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"};
  call.member = std::move(member);
  call.timeout = timeout;
  return call;
}

using Answer = Result<BusMessage>;

class BusTest : public BusFixture {};

TEST_F(BusTest, DeadlineEndsACallThatIsNeverAnswered) {
  fake_.hang("CanSuspend");
  const auto answer = run(bus_.call(call_of("CanSuspend", milliseconds(20))));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, BusErrc::TimedOut);
  EXPECT_EQ(answer.error().message(),
            "asking org.freedesktop.login1 for CanSuspend, for 20ms: no answer in time");
  // The connection is as good as before.
  EXPECT_TRUE(run(bus_.call(call_of("CanSuspend"))));
}

TEST_F(BusTest, AnswerThatComesLateIsDropped) {
  fake_.delay("CanSuspend", milliseconds(40));
  const auto late = run(bus_.call(call_of("CanSuspend", milliseconds(5))));
  ASSERT_FALSE(late);
  fake_.set_can_suspend("na");
  const auto next = run(logind_.inhibitors());  // which would not understand the late one
  EXPECT_TRUE(next) << next.error().message();
}

TEST_F(BusTest, CancelledCallerGetsAbortedAndLeavesNothing) {
  fake_.hang("CanSuspend");
  std::optional<Answer> answer;
  TaskGroup group(io_.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; });
  group.spawn(keep(bus_.call(call_of("CanSuspend")), answer));
  ASSERT_TRUE(run_until([this] { return !fake_.calls().empty(); }));
  group.cancel(asio::cancellation_type::terminal);
  ASSERT_TRUE(run_until([&group] { return group.size() == 0; }));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error().code, asio::error::operation_aborted);
  EXPECT_TRUE(run(bus_.call(call_of("CanSuspend"))));
}

TEST_F(BusTest, BusThatDiesInTheMiddleOfACallFailsIt) {
  fake_.hang("CanSuspend", -1);
  std::vector<std::optional<Answer>> answers(20);
  for (auto& answer : answers) begin(bus_.call(call_of("CanSuspend")), answer);
  ASSERT_TRUE(run_until([this] { return fake_.calls().size() == 20; }));
  fake_.stop_bus();
  for (auto& answer : answers) {
    ASSERT_TRUE(run_until([&answer] { return answer.has_value(); }));
    ASSERT_FALSE(*answer);
    // The fake leaves first, and may be seen to.
    const auto& code = answer->error().code;
    EXPECT_TRUE(code == BusErrc::Disconnected || code == BusErrc::ServiceUnknown) << code;
  }
}

TEST_F(BusTest, ServiceThatVanishesInTheMiddleOfACallFailsIt) {
  fake_.vanish_on("CanSuspend");
  const auto answer = run(bus_.call(call_of("CanSuspend")));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, BusErrc::ServiceUnknown) << answer.error().message();
  EXPECT_TRUE(bus_.connected());
  const auto absent = run(bus_.call(call_of("CanSuspend")));
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, BusErrc::ServiceUnknown);
  EXPECT_THAT(absent.error().message(), HasSubstr("org.freedesktop.DBus.Error.ServiceUnknown"));
}

TEST_F(BusTest, ConnectsAgainAndAgain) {
  std::vector<bool> here;
  const auto watch =
      bus_.on_service("org.freedesktop.login1", [&](bool is) { here.push_back(is); });
  for (int i = 0; i < 5; ++i) {
    fake_.stop_bus();
    ASSERT_TRUE(run_until([this] { return !bus_.connected(); }));
    EXPECT_FALSE(bus_.trouble().empty());
    fake_.start_bus();
    ASSERT_TRUE(run_until([this] { return logind_.here(); }));
    EXPECT_TRUE(bus_.trouble().empty());
    EXPECT_TRUE(run(bus_.call(call_of("CanSuspend"))));
  }
  EXPECT_EQ(here.size(), 10u);
  EXPECT_TRUE(here.back());
}

TEST_F(BusTest, WrongArgumentsAndMembersAreErrors) {
  const auto unknown = run(bus_.call(call_of("NoSuchThing")));
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, BusErrc::UnknownMethod);
  BusCall object = call_of("CanSuspend");
  object.to.path = "/org/nowhere";
  const auto nowhere = run(bus_.call(std::move(object)));
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, BusErrc::UnknownObject);
  const auto property = run(bus_.get_property(
      {"org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"},
      "Nonsense"));
  ASSERT_FALSE(property);
  EXPECT_EQ(property.error().code, BusErrc::UnknownMethod) << property.error().message();
  // What D-Bus has no way to send must not tear down the connection.
  for (const std::string& text : {std::string("\xff\xfe"), std::string("a\0b", 3)}) {
    BusCall bad = call_of("Inhibit");
    bad.arguments = {text, text, text, text};
    const auto refused = run(bus_.call(std::move(bad)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, BusErrc::InvalidArguments);
    EXPECT_THAT(refused.error().message(), HasSubstr("cannot be sent"));
  }
  BusCall path = call_of("CanSuspend");
  path.to.path = "not a path";
  const auto refused = run(bus_.call(std::move(path)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, BusErrc::InvalidArguments);
  EXPECT_TRUE(run(bus_.call(call_of("CanSuspend"))));
}

TEST_F(BusTest, ReaderRefusesOtherTypesAndReadsNothingAfter) {
  const auto answer = run(bus_.call(call_of("CanSuspend")));
  ASSERT_TRUE(answer);
  BusReader reader(*answer);
  EXPECT_EQ(reader.u64(), 0u);
  EXPECT_EQ(reader.string(), "");
  reader.array("(ss)");
  EXPECT_FALSE(reader.more());
  const auto read = reader.finish("the answer");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message(),
            "reading the answer from an answer of type \"s\": not the answer that is documented");
  BusReader past(*answer);
  EXPECT_EQ(past.string(), "yes");
  EXPECT_TRUE(past.finish("it"));
  EXPECT_EQ(past.string(), "");
  EXPECT_FALSE(past.finish("it"));
}

TEST_F(BusTest, AnEmptyListHasNoElement) {
  const auto answer = run(bus_.call(call_of("ListInhibitors")));
  ASSERT_TRUE(answer);
  BusReader reader(*answer);
  reader.array("(ssssuu)");
  EXPECT_FALSE(reader.more());
  EXPECT_TRUE(reader.finish("it"));
  reader.structure("ssssuu");
  EXPECT_FALSE(reader.finish("it"));
}

TEST_F(BusTest, SubscriptionMayEndInItsOwnCallback) {
  int heard = 0;
  BusSubscription once;
  once = bus_.on_signal(
      {"org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"},
      "PrepareForSleep", [&](const BusMessage&) {
        ++heard;
        once = BusSubscription();
      });
  EXPECT_TRUE(run(bus_.call(call_of("CanSuspend"))));  // by now the bus knows the match
  fake_.signal_prepare(true);
  ASSERT_TRUE(run_until([&] { return heard == 1; }));
  fake_.signal_prepare(false);
  EXPECT_TRUE(run(bus_.call(call_of("CanSuspend"))));
  EXPECT_EQ(heard, 1);
}

TEST_F(BusTest, SignalsOfOthersAreNotHeard) {
  const BusObject manager{"org.freedesktop.login1", "/org/freedesktop/login1",
                          "org.freedesktop.login1.Manager"};
  BusObject elsewhere = manager;
  elsewhere.path = "/org/elsewhere";
  int heard = 0;
  int others = 0;
  const auto other = [&](const BusMessage&) { ++others; };
  const auto first = bus_.on_signal(manager, "PrepareForShutdown", other);
  const auto second = bus_.on_signal(elsewhere, "PrepareForSleep", other);
  const auto right = bus_.on_signal(manager, "PrepareForSleep", [&](const auto&) { ++heard; });
  EXPECT_TRUE(run(bus_.call(call_of("CanSuspend"))));
  fake_.signal_prepare(true);
  ASSERT_TRUE(run_until([&] { return heard == 1; }));
  EXPECT_TRUE(run(bus_.call(call_of("CanSuspend"))));
  EXPECT_EQ(others, 0);
}

TEST_F(BusTest, AServiceThatIsNotThereIsNeverHere) {
  int told = 0;
  const auto watch = bus_.on_service("org.example.Nobody", [&](bool) { ++told; });
  EXPECT_TRUE(run(bus_.call(call_of("CanSuspend"))));
  fake_.leave();
  ASSERT_TRUE(run_until([this] { return !logind_.here(); }));
  EXPECT_FALSE(bus_.has("org.freedesktop.login1"));
  EXPECT_FALSE(bus_.has("org.example.Nobody"));
  EXPECT_EQ(told, 0);
}

TEST_F(BusTest, FloodOfSignalsDoesNotStopTheLoop) {
  int heard = 0;
  const auto counting = bus_.on_signal(
      {"org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"},
      "PrepareForSleep", [&](const BusMessage&) { ++heard; });
  EXPECT_TRUE(run(bus_.call(call_of("CanSuspend"))));
  for (int i = 0; i < 500; ++i) fake_.signal_prepare(i % 2 == 0);
  int before = 0;
  EXPECT_TRUE(run_until([&] {
    EXPECT_LE(heard - before, 200) << "others get their turn";
    before = heard;
    return heard == 500;
  }));
}

TEST(BusWithoutABus, SaysWhereItLookedAndEndsWhenCancelled) {
  asio::io_context io;
  Bus bus(io.get_executor(), {.address = "unix:path=/nonexistent/bus"});
  TaskGroup group(io.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; });
  std::string message;
  const auto ask = [](Bus& asked, std::string& said) -> Task<void> {
    const auto answer = co_await asked.call(call_of("CanSuspend"));
    said = answer ? "answered" : answer.error().message();
  };
  group.spawn(ask(bus, message));
  io.run();
  EXPECT_EQ(message,
            "asking org.freedesktop.login1 for CanSuspend (connecting to the message bus at "
            "unix:path=/nonexistent/bus: No such file or directory): not connected to the message "
            "bus; it is tried again");
  group.spawn(bus.run());
  io.restart();
  io.run_for(milliseconds(1));
  group.cancel(asio::cancellation_type::terminal);
  io.restart();
  io.run();
  EXPECT_EQ(group.size(), 0u);
}

TEST(BusWithoutABus, RefusesNonsenseAsAnAddress) {
  asio::io_context io;
  Bus bus(io.get_executor(), {.address = "nonsense"});
  TaskGroup group(io.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; });
  group.spawn(bus.run());
  io.run_for(milliseconds(1));
  EXPECT_THAT(bus.trouble(), HasSubstr("nonsense"));
  group.cancel(asio::cancellation_type::terminal);
  io.restart();
  io.run();
}

TEST(BusWithoutABus, TheEnvironmentMaySayWhereItIs) {
  ::setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/other", 1);
  asio::io_context io;
  Bus bus(io.get_executor(), {});
  ::unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
  TaskGroup group(io.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; });
  group.spawn(bus.run());
  io.run_for(milliseconds(1));
  EXPECT_THAT(bus.trouble(), HasSubstr("/nonexistent/other"));
  group.cancel(asio::cancellation_type::terminal);
  io.restart();
  io.run();
}

TEST(BusWithoutABus, IsTriedAtLongerAndLongerPauses) {
  using Local = asio::local::stream_protocol;
  const test::TempDir dir;
  const std::string path = dir / "bus";
  asio::io_context io;
  Local::acceptor acceptor(io, Local::endpoint(path));
  int tries = 0;
  std::function<void()> accept = [&] {
    acceptor.async_accept([&](const auto& error, Local::socket socket) {
      if (error) return;
      socket.close();
      ++tries;
      accept();
    });
  };
  accept();
  BusOptions options;
  options.address = "unix:path=" + path;
  options.retry_first = milliseconds(1);
  Bus bus(io.get_executor(), options);
  TaskGroup group(io.get_executor(), [](const std::string& text) { ADD_FAILURE() << text; });
  const auto began = std::chrono::steady_clock::now();
  group.spawn(bus.run());
  while (tries < 8 && std::chrono::steady_clock::now() < began + std::chrono::seconds(10)) {
    io.run_one_for(milliseconds(100));
  }
  EXPECT_EQ(tries, 8);
  EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds(1 + 2 + 4 + 8 + 16 + 32 + 64));
  acceptor.close();
  group.cancel(asio::cancellation_type::terminal);
  io.run();
}

TEST(BusErrcTest, EachHasItsOwnWords) {
  std::set<std::string> words;
  const int last = static_cast<int>(BusErrc::Other);
  const int first = static_cast<int>(BusErrc::NotConnected);
  for (int code = first; code <= last; ++code) {
    words.insert(make_error_code(static_cast<BusErrc>(code)).message());
  }
  EXPECT_EQ(words.size(), static_cast<std::size_t>(last - first + 1));
}

TEST(BusErrcTest, KnowsTheNames) {
  EXPECT_EQ(bus_errc("org.freedesktop.login1.SleepVerbNotSupported"), BusErrc::SleepNotSupported);
  EXPECT_EQ(bus_errc("org.freedesktop.DBus.Error.Spawn.ChildExited"), BusErrc::ServiceUnknown);
  EXPECT_EQ(bus_errc("org.freedesktop.DBus.Error.Failed"), BusErrc::Other);
  EXPECT_EQ(bus_errc(""), BusErrc::Other);
}

}  // namespace
}  // namespace rouse::suspendd
