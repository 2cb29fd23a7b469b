#include "proxy/power/power_socket.hpp"

#include "tests/proxy/power/power_fixture.hpp"
#include "tests/support/http_probe.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

namespace rouse {
namespace {

using namespace std::chrono_literals;
using test::HttpProbe;
using test::ProbeResponse;
using testing::HasSubstr;
using testing::StartsWith;

class PowerSocketTest : public PowerFixture {
 protected:
  void TearDown() override {
    ::unsetenv("RUNTIME_DIRECTORY");
    if (socket_) socket_->stop_accepting();
    PowerFixture::TearDown();
  }

  Result<void> listen() {
    socket_ = std::make_unique<PowerSocket>(group_, power_, deadlines_, settings_);
    return socket_->listen();
  }
  void listens() {
    settings_.socket = dir_ / "power.sock";
    ASSERT_TRUE(listen());
  }
  [[nodiscard]] std::string path() const { return dir_ / "power.sock"; }

  /// The whole answer, or what of it has come when the first line of a stream is there.
  ProbeResponse answer_of(HttpProbe& probe, bool is_stream = false) {
    EXPECT_TRUE(run_until([&] { return probe.hears(0ms); })) << "no answer";
    if (!is_stream) return probe.read_response(2s);
    ProbeResponse answer = probe.read_head(2s);
    EXPECT_TRUE(probe.read_until(answer, "\n", 2s));
    return answer;
  }
  ProbeResponse ask(std::string_view method, std::string_view target, std::string_view body = {}) {
    HttpProbe probe(path());
    EXPECT_TRUE(probe.send_request(method, target, body));
    return answer_of(probe);
  }
  ProbeResponse call(const std::string& what, std::string_view body) {
    return ask("POST", "/v1/power/" + what, body);
  }

  test::TempDir dir_;
  PowerConfig settings_;
  std::unique_ptr<PowerSocket> socket_;
};

// --- where it is ---------------------------------------------------------------------------------

TEST_F(PowerSocketTest, WithoutAPathItIsInTheFirstFolderThatTheServiceHas) {
  ::setenv("RUNTIME_DIRECTORY", (dir_.path().string() + ":/nowhere").c_str(), 1);
  ASSERT_TRUE(listen());
  EXPECT_TRUE(std::filesystem::is_socket(path()));
}

TEST_F(PowerSocketTest, WithoutAFolderTheMachineJustNeverSleeps) {
  ::setenv("RUNTIME_DIRECTORY", (dir_ / "nothing").c_str(), 1);
  EXPECT_TRUE(listen());
  EXPECT_FALSE(std::filesystem::exists(dir_ / "nothing"));
}

TEST_F(PowerSocketTest, OneThatWasAskedForAndCannotBeIsAnError) {
  settings_.socket = dir_ / "nothing/power.sock";
  const Result<void> opened = listen();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message(), HasSubstr("nothing/power.sock"));
}

TEST_F(PowerSocketTest, ItsModeLetsInWhoeverIsToAskAndNobodyElse) {
  const mode_t before = ::umask(0077);
  settings_.socket = path();
  struct stat status {};
  ASSERT_TRUE(listen());
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0077, 0u);
  socket_->stop_accepting();
  settings_.has_guests = true;
  ASSERT_TRUE(listen());
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0666u);
  ::umask(before);
}

// --- who may use it ------------------------------------------------------------------------------

/// A connection of somebody else: the credentials are those of the thread that connects.
std::unique_ptr<HttpProbe> as_nobody(const std::string& path) {
  std::unique_ptr<HttpProbe> probe;
  std::thread([&] {
    // Not glibc's functions, which change every thread of the process.
    EXPECT_EQ(::syscall(SYS_setgroups, 0, nullptr), 0);
    EXPECT_EQ(::syscall(SYS_setresgid, 65534, 65534, 65534), 0);
    EXPECT_EQ(::syscall(SYS_setresuid, 65534, 65534, 65534), 0);
    probe = std::make_unique<HttpProbe>(path);
  }).join();
  return probe;
}

class PowerSocketGuest : public PowerSocketTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) ROUSE_SKIP("root", "only root can become somebody else");
    std::filesystem::permissions(dir_.path(), std::filesystem::perms(0755));
    settings_.has_guests = true;
  }
};

TEST_F(PowerSocketGuest, AStrangerIsToldWhoMayAndHangsUpAfterOneAnswer) {
  listens();
  const auto probe = as_nobody(path());
  ASSERT_TRUE(probe->send_request("GET", "/v1/power"));
  const ProbeResponse answer = answer_of(*probe);
  EXPECT_EQ(answer.status, 403);
  EXPECT_THAT(answer.body, HasSubstr("user 65534 may not use this socket"));
  EXPECT_TRUE(run_until([&] { return probe->peer_closes(0ms); }));
}

TEST_F(PowerSocketGuest, AStrangerWhoSaysNothingIsNotWaitedFor) {
  listens();
  const auto probe = as_nobody(path());
  EXPECT_TRUE(run_until([&] { return probe->peer_closes(0ms); })) << "after two seconds";
}

TEST_F(PowerSocketGuest, WhoeverIsNamedMay) {
  settings_.users = {"65534"};
  listens();
  const auto probe = as_nobody(path());
  ASSERT_TRUE(probe->send_request("GET", "/v1/power"));
  EXPECT_EQ(answer_of(*probe).status, 200);
}

// --- its calls -----------------------------------------------------------------------------------

TEST_F(PowerSocketTest, OneConnectionCarriesManyCalls) {
  listens();
  HttpProbe probe(path());
  for (const char* const target : {"/v1/power", "/v1/power/activity"}) {
    ASSERT_TRUE(probe.send_request("GET", target));
    const ProbeResponse answer = answer_of(probe);
    EXPECT_EQ(answer.status, 200);
    EXPECT_THAT(answer.body, HasSubstr(R"("state":"awake")"));
  }
}

TEST_F(PowerSocketTest, WhatIsNoCallIsToldWhatThereIs) {
  listens();
  EXPECT_EQ(ask("GET", "/v1/models").status, 404);
  EXPECT_EQ(ask("GET", "/v1/power/drain").status, 405);
  EXPECT_EQ(call("nap", "{}").status, 404);
  EXPECT_THAT(call("nap", "{}").body, HasSubstr("use drain, unload"));
}

TEST_F(PowerSocketTest, WhatIsWrongInACallIsNamed) {
  listens();
  const struct {
    const char* what;
    std::string body;
    const char* problem;
  } cases[] = {
      {"drain", "[]", "expected a JSON object"},
      {"drain", "{}", "\\\"lease\\\" is missing"},
      {"drain", R"({"lease":""})", "\\\"lease\\\" is empty"},
      {"drain", R"({"lease":5})", "must be a text of at most 128 bytes"},
      {"drain", R"({"lease":")" + std::string(129, 'x') + "\"}", "at most 128 bytes"},
      {"drain", R"({"lease":"l"})", "\\\"ttl_ms\\\" must be a whole number from 1"},
      {"drain", R"({"lease":"l","ttl_ms":0})", "\\\"ttl_ms\\\" must be a whole number from 1"},
      {"drain", R"({"lease":"l","ttl_ms":5,"force":"yes"})", "must be true or false"},
      {"unload", R"({"lease":"l","policy":"maybe"})", "must be auto or never"},
      {"commit", R"({"lease":null})", "\\\"lease\\\" is missing"},
      {"resumed", R"({"epoch":-1})", "\\\"epoch\\\" must be a whole number from 0"},
      {"release", "{}", "\\\"lease\\\" is missing"},
      {"facts", "5", "\"code\":\"bad_request\""},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.body);
    const ProbeResponse answer = call(each.what, each.body);
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, HasSubstr(each.problem));
  }
  EXPECT_EQ(call("drain", R"({"lease":")" + std::string(65 * 1024, 'x') + "\"}").status / 100, 4);
  HttpProbe probe(path());
  ASSERT_TRUE(probe.send("nonsense\r\n\r\n"));
  EXPECT_EQ(answer_of(probe).status, 400);
}

TEST_F(PowerSocketTest, ALeaseIsAStreamThatSaysHowItEnds) {
  listens();
  HttpProbe holder(path());
  ASSERT_TRUE(holder.send_request("POST", "/v1/power/drain",
                                  R"({"lease":"l","ttl_ms":60000,"reason":"idle"})"));
  ProbeResponse stream = answer_of(holder, true);
  EXPECT_EQ(stream.status, 200);
  EXPECT_THAT(stream.body, StartsWith(R"({"event":"granted","lease":"l","epoch":)"));
  const ProbeResponse second = call("drain", R"({"lease":"m","ttl_ms":60000})");
  EXPECT_EQ(second.status, 409);
  EXPECT_THAT(second.body, HasSubstr(R"("code":"lease_held")"));
  EXPECT_EQ(call("release", R"({"lease":"l"})").status, 200);
  EXPECT_TRUE(run_until([&] { return holder.hears(0ms); }));
  EXPECT_TRUE(holder.read_until(stream, R"({"event":"cancelled","lease":"l","by":"release")", 2s));
  EXPECT_EQ(call("release", R"({"lease":"l"})").status, 409);
}

TEST_F(PowerSocketTest, ALeaseWhoseHolderHangsUpIsGivenBack) {
  listens();
  {
    HttpProbe holder(path());
    ASSERT_TRUE(holder.send_request("POST", "/v1/power/drain", R"({"lease":"l","ttl_ms":60000})"));
    EXPECT_EQ(answer_of(holder, true).status, 200);
    EXPECT_TRUE(power_.holds("l"));
  }
  EXPECT_TRUE(run_until([this] { return !power_.holds("l"); }));
}

TEST_F(PowerSocketTest, ABusyMachineSaysWithWhat) {
  listens();
  const auto work = begin();
  RequestHead head;
  const InFlight::Entry entry(recorder_.in_flight, head, "192.0.2.1", nullptr);
  const ProbeResponse answer = call("drain", R"({"lease":"l","ttl_ms":60000})");
  EXPECT_EQ(answer.status, 409);
  EXPECT_THAT(answer.body, HasSubstr(R"("code":"busy")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("busy":[{"kind":"upload")"));
}

TEST_F(PowerSocketTest, AWholeSleepByItsCalls) {
  listens();
  load();
  HttpProbe holder(path());
  ASSERT_TRUE(holder.send_request("POST", "/v1/power/drain", R"({"lease":"l","ttl_ms":60000})"));
  ProbeResponse stream = answer_of(holder, true);
  EXPECT_EQ(call("unload", R"({"lease":"m"})").status, 409);
  EXPECT_EQ(dispatcher_.engine_state("a"), core::EngineState::Ready);
  EXPECT_EQ(call("unload", R"({"lease":"l","policy":"never"})").body, R"({"unloaded":[]})");
  EXPECT_EQ(power_.resident().size(), 1u);
  EXPECT_EQ(call("unload", R"({"lease":"l"})").body, R"({"unloaded":["a"]})");
  EXPECT_EQ(call("commit", R"({"lease":"m"})").status, 409);
  group_.spawn(power_.watch());
  std::optional<EventHub::Listener> subscriber(std::in_place, power_.subscribers(), [] {});
  const ProbeResponse committed = call("commit", R"({"lease":"l","expect_wake":"soon"})");
  EXPECT_EQ(committed.status, 200);
  EXPECT_THAT(committed.body, HasSubstr(R"("acks":0,"subscribers":1)"));
  EXPECT_TRUE(power_.is_suspending());
  EXPECT_THAT(call("commit", R"({"lease":"l"})").body, HasSubstr(R"("renewed":true)"));
  const std::string epoch = committed.body.substr(9, committed.body.find(',') - 9);  // {"epoch":N,
  EXPECT_EQ(call("resumed", R"({"epoch":1,"slept_ms":5})").status, 409);
  EXPECT_EQ(call("resumed", R"({"epoch":)" + epoch + R"(,"slept_ms":1000})").status, 200);
  EXPECT_FALSE(power_.is_suspending());
  EXPECT_TRUE(run_until([&] { return holder.hears(0ms); }));
  EXPECT_TRUE(holder.read_until(stream, R"({"event":"awake","lease":"l","by":"resumed")", 2s));
  EXPECT_EQ(woken_.size(), 1u);
}

}  // namespace
}  // namespace rouse
