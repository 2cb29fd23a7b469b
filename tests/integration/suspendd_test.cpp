#include "tests/integration/suspendd_world.hpp"
#include "tests/support/skip.hpp"

#include <gmock/gmock.h>

#include <arpa/inet.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <thread>

namespace rouse::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono_literals;

class Suspendd : public testing::Test {
 protected:
  void SetUp() override {
    if (!FakeLogind::usable()) ROUSE_SKIP("dbus-daemon", "it is not installed");
  }
};

/// Holds an attempt up in its last step before the order.
constexpr const char* kSlowHook = "hooks: {pre_suspend: {command: [sleep, \"60\"], timeout: 2m}}\n";

TEST_F(Suspendd, AnIdleBoxSleepsAndTheNextRequestIsAnswered) {
  Box box;
  ASSERT_EQ(box.ask(), 200);
  ASSERT_FALSE(box.world.children().empty());
  box.start();
  ASSERT_TRUE(box.logind.wait_for_state("asleep")) << box.explain() << box.daemon->output();
  EXPECT_THAT(box.world.children(), IsEmpty()) << "engines are stopped before it sleeps";
  EXPECT_EQ(box.proxy_state(), "suspending");
  EXPECT_FALSE(box.world.connect().connected()) << "nobody is let in any more";
  EXPECT_THAT(box.tree.text("/ethtool/eth0"), HasSubstr("armed 32")) << "the card was armed";

  box.pass_the_night(8h);
  box.logind.wake();
  ASSERT_TRUE(box.proxy_is("awake")) << box.daemon->output();
  EXPECT_EQ(box.ask(), 200);
  EXPECT_TRUE(box.says(R"("slept_ms":288)")) << box.status();
  EXPECT_THAT(box.status(), HasSubstr(R"("wake":"wol","source":"network card eth0)"));
  EXPECT_THAT(box.explain(), HasSubstr("slept 8 h 0 min, woken by network card eth0"));
  EXPECT_THAT(box.explain(), HasSubstr("a packet last woke this machine"));
  EXPECT_THAT(box.command({"history"}).second, HasSubstr("suspended"));
  EXPECT_EQ(box.stop(), 0) << box.daemon->output();
}

TEST_F(Suspendd, ItSleepsAgainWhenTheWakeIsNotUsed) {
  Box box;
  box.start();
  box.sleep_and_wake();
  ASSERT_TRUE(box.proxy_is("awake"));
  box.sleep_and_wake();
  ASSERT_TRUE(box.proxy_is("awake"));
  EXPECT_EQ(box.logind.sleeps(), 2);
}

TEST_F(Suspendd, ActivityKeepsItAwake) {
  Box box;
  box.be_busy(true);
  box.start();
  ASSERT_TRUE(box.says(R"("name":"busy","verdict":"active")")) << box.status();
  EXPECT_THAT(box.explain(), HasSubstr("active"));
  box.be_busy(false);
  EXPECT_TRUE(box.logind.wait_for_state("asleep")) << box.explain();
}

TEST_F(Suspendd, ARequestWhileItPreparesIsServedAndKeepsItAwake) {
  Box box(kSlowHook);
  box.start();
  ASSERT_TRUE(box.is_in("preparing")) << box.daemon->output();
  ASSERT_TRUE(box.proxy_is("draining"));
  EXPECT_EQ(box.ask(), 200);
  EXPECT_EQ(box.proxy_state(), "awake");
  ASSERT_TRUE(box.says(R"("step":"")")) << box.status();
  EXPECT_EQ(box.logind.sleeps(), 0);
  EXPECT_THAT(box.get("/metrics"), HasSubstr("rouse_suspendd_drain_cancelled_total 1"));
}

TEST_F(Suspendd, ADeadDaemonLeavesTheProxyAwake) {
  Box box(kSlowHook);
  box.start();
  ASSERT_TRUE(box.proxy_is("draining"));
  box.kill_daemon();
  EXPECT_TRUE(box.proxy_is("awake"));
  EXPECT_EQ(box.ask(), 200);
  box.write_config("");
  box.start();
  EXPECT_TRUE(box.logind.wait_for_state("asleep")) << box.explain();
}

TEST_F(Suspendd, ADaemonThatDiedWhileItSleptTellsTheProxyLater) {
  Box box;
  box.start();
  ASSERT_TRUE(box.logind.wait_for_state("asleep")) << box.daemon->output();
  box.kill_daemon();
  box.pass_the_night(8h);
  box.logind.wake();
  EXPECT_EQ(box.proxy_state(), "suspending");
  box.start();
  EXPECT_TRUE(box.proxy_is("awake")) << box.daemon->output();
  EXPECT_EQ(box.ask(), 200);
}

TEST_F(Suspendd, ADaemonThatIsEndedGivesTheLeaseBack) {
  Box box(kSlowHook);
  box.start();
  ASSERT_TRUE(box.proxy_is("draining"));
  EXPECT_EQ(box.stop(), 0) << box.daemon->output();
  EXPECT_EQ(box.proxy_state(), "awake");
}

TEST_F(Suspendd, WithoutItsProxyItStaysAwake) {
  Box box(kSlowHook);
  box.start();
  ASSERT_TRUE(box.proxy_is("draining"));
  box.world.kill();
  ASSERT_TRUE(box.is_in("active")) << box.explain();
  EXPECT_TRUE(box.says("the proxy cannot be asked")) << box.status();
  EXPECT_EQ(box.suspend_calls(), 0);
}

TEST_F(Suspendd, WithoutItsProxyItSleepsWhereThatIsAllowed) {
  Box box;
  box.world.kill();
  box.write_config("", "unreachable: idle");
  box.start();
  // Its own check still cannot tell; the owner has to leave that out, too.
  ASSERT_TRUE(box.says(R"("name":"proxy","verdict":"unknown")")) << box.status();
  ASSERT_EQ(box.stop(), 0);
  box.write_config("", "unreachable: idle", "");
  box.start();
  EXPECT_TRUE(box.logind.wait_for_state("asleep")) << box.explain() << box.daemon->output();
}

TEST_F(Suspendd, ABoxWithoutAProxySleepsByItsChecks) {
  Box box;
  box.world.kill();
  box.write_config("", "socket: none", "");
  box.start();
  EXPECT_TRUE(box.logind.wait_for_state("asleep")) << box.explain() << box.daemon->output();
}

TEST_F(Suspendd, AProxyThatDiedWhileItSleptIsNoReasonToDie) {
  Box box;
  box.start();
  ASSERT_TRUE(box.logind.wait_for_state("asleep")) << box.daemon->output();
  box.world.kill();
  box.pass_the_night(8h);
  box.logind.wake();
  ASSERT_TRUE(box.says(R"("slept_ms":288)")) << box.explain();
  box.world.start();
  EXPECT_EQ(box.ask(), 200);
  EXPECT_TRUE(box.daemon->running());
}

TEST_F(Suspendd, FailuresInARowBlockItUntilSomebodyLooks) {
  Box box("suspend: {backoff: 100ms, backoff_max: 200ms, verify: 2s, max_failures: 3}\n");
  box.logind.suspends_abort();
  box.start();
  ASSERT_TRUE(box.is_in("blocked", 30s)) << box.explain() << box.daemon->output();
  EXPECT_EQ(box.suspend_calls(), 3);
  EXPECT_TRUE(box.proxy_is("awake"));
  EXPECT_EQ(box.ask(), 200);
  EXPECT_TRUE(wait_until([&] { return box.explain().find("blocked") != std::string::npos; }))
      << "when the engine has loaded and answered: " << box.explain();
  box.logind.suspends_hold();
  const auto [status, output] = box.command({"unblock"});
  EXPECT_EQ(status, 0) << output;
  EXPECT_TRUE(box.logind.wait_for_state("asleep")) << box.explain();
}

TEST_F(Suspendd, ASuspendThatNeverHappensIsAFailure) {
  Box box("suspend: {verify: 1s, backoff: 1h}\n");
  box.logind.suspends_never_happen();
  box.start();
  ASSERT_TRUE(box.says(R"("failures":1)", 20s)) << box.explain();
  EXPECT_TRUE(box.proxy_is("awake"));
  EXPECT_EQ(box.ask(), 200);
}

TEST_F(Suspendd, ABlockLockOfAnybodyKeepsItAwake) {
  Box box;
  box.logind.add_lock("sleep", "backup", "a backup runs", "block");
  box.start();
  ASSERT_TRUE(box.says(R"("name":"inhibitors","verdict":"active")")) << box.status();
  EXPECT_THAT(box.explain(), HasSubstr("a backup runs"));
  box.logind.remove_lock("backup");
  EXPECT_TRUE(box.logind.wait_for_state("asleep"));
}

TEST_F(Suspendd, WithoutLogindItStaysAwakeAndSaysWhy) {
  Box box;
  box.logind.stop_bus();
  box.start();
  ASSERT_TRUE(box.says(R"("name":"inhibitors","verdict":"unknown")")) << box.status();
  EXPECT_TRUE(wait_until([&] { return box.explain().find("message bus") != std::string::npos; }));
  box.logind.start_bus();
  EXPECT_TRUE(wait_until([&] { return box.logind.state() == "asleep"; }, 30s)) << box.explain();
}

TEST_F(Suspendd, ACardThatCannotWakeItKeepsItAwake) {
  Box box;
  box.tree.file("/ethtool/eth0", "supported 0\narmed 0\nmac 3c:ec:ef:12:34:56\n");
  box.start();
  ASSERT_TRUE(box.is_in("blocked")) << box.explain();
  EXPECT_THAT(box.explain(), HasSubstr("wake-on-lan"));
  EXPECT_EQ(box.suspend_calls(), 0);
  EXPECT_TRUE(box.proxy_is("awake"));
  const auto [status, output] = box.command({"check"});
  EXPECT_EQ(status, 2);
  EXPECT_THAT(output, HasSubstr("REFUSE  wake-on-lan"));
}

TEST_F(Suspendd, AnAbsurdConfigurationIsRefusedWhole) {
  Box box("idle: {time: 1s, poll: 1h}\nidl: 3\nwol: {require: perhaps}\n");
  const auto [status, output] = box.command({"run"});
  EXPECT_EQ(status, 2);
  EXPECT_THAT(output, HasSubstr("idle"));
  EXPECT_THAT(output, HasSubstr("did you mean \"idle\"?"));
  EXPECT_THAT(output, HasSubstr("expected true or false, got \"perhaps\""));
}

TEST_F(Suspendd, ADryRunOnlySaysThatItWouldSleep) {
  Box box;
  box.start({"--dry-run"});
  ASSERT_TRUE(wait_until([&] {
    return box.command({"history"}).second.find("would suspend now") != std::string::npos;
  })) << box.daemon->output();
  EXPECT_EQ(box.suspend_calls(), 0);
  EXPECT_THAT(box.explain(), HasSubstr("dry run"));
}

TEST_F(Suspendd, HoldsKeepItAwakeUntilReleased) {
  Box box;
  box.be_busy(true);
  box.start();
  const auto [status, output] = box.command({"hold", "--for", "1h", "--why", "I look at it"});
  ASSERT_EQ(status, 0) << output;
  box.be_busy(false);
  ASSERT_TRUE(box.says("I look at it")) << box.status();
  EXPECT_THAT(box.explain(), HasSubstr("holds"));
  const auto [refused, why] = box.command({"suspend"});
  EXPECT_EQ(refused, 1) << why;
  EXPECT_EQ(box.command({"release"}).first, 0);
  EXPECT_TRUE(box.logind.wait_for_state("asleep")) << box.explain();
}

TEST_F(Suspendd, ACommandHoldsItWhileItRunsAndKeepsItsStatus) {
  Box box;
  box.start();
  const std::string flag = box.dir / "flag";
  ChildProcess held({built_program("rouse-suspendd"), "--config", box.config, "run-held", "--why",
                     "a long job", "--", "sh", "-c",
                     "until test -e " + flag + "; do sleep 0.02; done; exit 7"});
  ASSERT_TRUE(box.says("a long job")) << box.status();
  std::ofstream(flag).put('x');
  EXPECT_EQ(held.wait(), 7);
  EXPECT_TRUE(wait_until([&] { return box.status().find("a long job") == std::string::npos; }));
}

TEST_F(Suspendd, AWakeTestSaysThatAPacketHasWokenIt) {
  Box box("idle: {time: 1h, poll: 100ms}\n");
  box.start();
  ChildProcess test(
      {built_program("rouse-suspendd"), "--config", box.config, "wake-test", "--yes"});
  box.sleep_and_wake();
  EXPECT_EQ(test.wait(), 0) << test.output();
  EXPECT_THAT(test.output(), HasSubstr("woken by network card eth0"));
  EXPECT_THAT(test.output(), HasSubstr("a packet wakes this machine"));
}

TEST_F(Suspendd, HooksHearOfTheSleep) {
  TempDir notes;
  const std::string note = notes / "note";
  Box box(
      fmt::format("hooks:\n"
                  "  pre_suspend: {{command: [sh, -c, 'env > {0}.before']}}\n"
                  "  post_resume: {{command: [sh, -c, 'env > {0}.part; mv {0}.part {0}']}}\n",
                  note));
  box.start();
  box.sleep_and_wake();
  ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(note); }));
  EXPECT_THAT(read_file(note + ".before"), HasSubstr("ROUSE_HOOK=pre_suspend"));
  EXPECT_THAT(read_file(note), HasSubstr("ROUSE_HOOK=post_resume"));
  EXPECT_THAT(read_file(note), HasSubstr("ROUSE_WAKE=wol"));
  EXPECT_THAT(read_file(note), HasSubstr("ROUSE_SLEPT_MS=288"));
}

TEST_F(Suspendd, AHookMayKeepItAwake) {
  Box box(
      "hooks: {pre_suspend: {command: [sh, -c, 'echo not now; exit 3'], on_fail: abort}}\n"
      "suspend: {backoff: 1h}\n");
  box.start();
  ASSERT_TRUE(box.says("not now")) << box.explain();
  EXPECT_EQ(box.suspend_calls(), 0);
  EXPECT_TRUE(box.proxy_is("awake"));
}

TEST_F(Suspendd, AChangedFileIsTakenAndABrokenOneIsNot) {
  Box box("idle: {time: 1h, poll: 100ms}\n");
  box.start();
  box.write_config("idel: 3\n");
  box.daemon->signal(SIGHUP);
  ASSERT_TRUE(box.daemon->wait_for_output("the old configuration stays in force"));
  // An editor may have emptied it and not be done; the defaults would let it sleep.
  box.dir.write("suspendd.yaml", "# nothing yet\n");
  box.daemon->signal(SIGHUP);
  ASSERT_TRUE(box.daemon->wait_for_output("is empty, and the old configuration stays in force"));
  EXPECT_THAT(box.explain(), HasSubstr("sleeps in 59 min"));
  box.write_config("");
  box.daemon->signal(SIGHUP);
  EXPECT_TRUE(box.logind.wait_for_state("asleep")) << box.explain() << box.daemon->output();
}

/// One HTTP request that somebody sends to a port of this machine, answered with 204.
class OneRequest {
 public:
  OneRequest() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 4), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~OneRequest() { ::close(listener_); }
  OneRequest(const OneRequest&) = delete;
  OneRequest& operator=(const OneRequest&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// All of it; empty when none comes.
  [[nodiscard]] std::string take() const {
    pollfd ready{listener_, POLLIN, 0};
    if (::poll(&ready, 1, 20'000) != 1) return {};
    const int client = ::accept(listener_, nullptr, nullptr);
    std::string text;
    char piece[4096];
    while (text.find('}') == std::string::npos) {
      const ssize_t n = ::read(client, piece, sizeof piece);
      if (n <= 0) break;
      text.append(piece, static_cast<std::size_t>(n));
    }
    constexpr std::string_view kAnswer = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    EXPECT_EQ(::write(client, kAnswer.data(), kAnswer.size()),
              static_cast<ssize_t>(kAnswer.size()));
    ::close(client);
    return text;
  }

 private:
  int listener_;
  std::uint16_t port_ = 0;
};

TEST_F(Suspendd, TheWebhookHearsWhatWentWrong) {
  OneRequest hook;
  Box box(
      fmt::format("suspend: {{verify: 2s, max_failures: 1}}\n"
                  "notify: {{webhook: \"http://127.0.0.1:{}/box\", token: hush}}\n",
                  hook.port()));
  box.logind.suspends_abort();
  box.start();
  const std::string request = hook.take();
  EXPECT_THAT(request, testing::StartsWith("POST /box HTTP/1.1"));
  EXPECT_THAT(request, HasSubstr("Bearer hush"));
  EXPECT_THAT(request, HasSubstr(R"("topic":)"));
  EXPECT_THAT(request, HasSubstr(R"("host":)"));
  EXPECT_THAT(box.daemon->output(), Not(HasSubstr("hush")));
}

TEST_F(Suspendd, MetricsAreServedOverTcpAndNothingElse) {
  const std::uint16_t port = free_port();
  Box box(fmt::format("metrics: {{listen: 127.0.0.1:{}}}\n", port));
  box.be_busy(true);
  box.start();
  // Listened on after the socket that start() waits for.
  ASSERT_TRUE(wait_until([port] { return HttpProbe(port).connected(); }));
  EXPECT_THAT(http(port, "GET", "/metrics").body, HasSubstr("rouse_suspendd_state{state="));
  EXPECT_EQ(http(port, "GET", "/v1/status").status, 404);
  EXPECT_EQ(http(port, "POST", "/v1/suspend", "{}").status, 404);
}

TEST_F(Suspendd, TheGateDrainsForSomebodyElsesSuspend) {
  Box box("gate: {wait: 10s}\n");
  box.be_busy(true);
  box.start();
  ASSERT_TRUE(box.is_in("active"));
  const auto [status, output] = box.command({"gate"});
  EXPECT_EQ(status, 0) << output;
  EXPECT_THAT(output, HasSubstr("allowed"));
  EXPECT_TRUE(box.proxy_is("suspending")) << box.daemon->output();
  // It slept, by whomever: the proxy hears of the end.
  box.logind.signal_prepare(true);
  box.pass_the_night(1h);
  box.logind.signal_prepare(false);
  EXPECT_TRUE(box.proxy_is("awake")) << box.daemon->output();
}

TEST_F(Suspendd, TheGateDeniesWhileARequestRunsIfToldSo) {
  Box box("gate: {wait: 1s, on_busy: deny}\n", {fake_model("a", "--tps 50")});
  box.start();
  HttpProbe client = box.world.connect();
  ASSERT_TRUE(client.send_request("POST", "/v1/chat/completions", chat("a", true, "LOOP")));
  ProbeResponse stream = client.read_head();
  ASSERT_TRUE(client.read_until(stream, "data:"));
  const auto [status, output] = box.command({"gate"});
  EXPECT_EQ(status, 1) << output;
  EXPECT_THAT(output, HasSubstr("denied"));
}

TEST_F(Suspendd, WithoutADaemonTheGateIsOpen) {
  Box box;
  EXPECT_EQ(box.command({"gate"}).first, 0);
  EXPECT_EQ(box.command({"status"}).first, 3);
}

TEST_F(Suspendd, TheCheckFindsNothingWrongWithAGoodBox) {
  Box box;
  const auto [status, output] = box.command({"check"});
  EXPECT_LE(status, 1) << output;  // never woken by a packet yet: a warning
  EXPECT_THAT(output, Not(HasSubstr("REFUSE")));
}

TEST_F(Suspendd, SomebodyElseMayLookButNotCommand) {
  Box box;
  box.be_busy(true);
  box.start();
  if (::geteuid() != 0) ROUSE_SKIP("root", "only root can be somebody else");
  std::filesystem::permissions(box.dir.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(box.socket(), std::filesystem::perms(0666));
  std::thread([&] {
    // Of this thread only: not glibc's functions, which change every one.
    EXPECT_EQ(::syscall(SYS_setgroups, 0, nullptr), 0);
    EXPECT_EQ(::syscall(SYS_setresgid, 65534, 65534, 65534), 0);
    EXPECT_EQ(::syscall(SYS_setresuid, 65534, 65534, 65534), 0);
    EXPECT_THAT(box.explain(), HasSubstr("busy"));
    HttpProbe probe(box.socket());
    EXPECT_TRUE(probe.send_request("POST", "/v1/suspend", R"({"force":true})"));
    const ProbeResponse refused = probe.read_response();
    EXPECT_EQ(refused.status, 403);
    EXPECT_THAT(refused.body, HasSubstr("may not command rouse-suspendd"));
  }).join();
  EXPECT_EQ(box.suspend_calls(), 0);
}

}  // namespace
}  // namespace rouse::test
