#include "suspendd/cli/operator_commands.hpp"
#include "suspendd/state/state_dir.hpp"
#include "tests/support/fake_logind.hpp"
#include "tests/support/skip.hpp"
#include "tests/suspendd/cli/beside_a_daemon.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <sstream>

namespace rouse::suspendd {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// `check` on a made-up machine that is fine, unless the test spoils it. The daemon of the fixture
/// stands for the proxy.
class CheckBox : public test::BesideADaemon {
 protected:
  void SetUp() override {
    if (!test::FakeLogind::usable()) ROUSE_SKIP("dbus-daemon", "it is not installed");
    tree_.file("/proc/sys/kernel/random/boot_id", "11111111-2222-3333-4444-555555555555\n");
    tree_.file("/proc/self/mountinfo", "");
    tree_.file("/sys/power/state", "freeze mem disk\n");
    tree_.file("/sys/power/mem_sleep", "s2idle [deep]\n");
    tree_.file("/etc/systemd/sleep.conf.d/rouse.conf", "[Sleep]\nSuspendState=mem\n");
    const std::string card = "/sys/devices/pci0000:00/0000:00:1f.6";
    tree_.file(card + "/power/wakeup", "enabled\n");
    tree_.file(card + "/net/eth0/type", "1\n");
    tree_.file(card + "/net/eth0/operstate", "up\n");
    tree_.link(card + "/net/eth0/device", card);
    tree_.link("/sys/class/net/eth0", card + "/net/eth0");
    tree_.file("/ethtool/eth0",
               "supported 47\narmed 32\nmac 3c:ec:ef:12:34:56\nip 192.0.2.7\nbroadcast "
               "192.0.2.255\n");
    prove(std::chrono::hours(1));
    daemon_.answers("/v1/power/activity", {200, R"({"state":"awake","busy":false,"work":[]})"});
  }

  /// That a packet woke it so long ago.
  void prove(std::chrono::hours age) const {
    core::suspend::Memory memory;
    memory.wake_proof = core::suspend::WallTime(std::chrono::duration_cast<core::Duration>(
        (std::chrono::system_clock::now() - age).time_since_epoch()));
    StateDir state(dir_ / "state");
    EXPECT_TRUE(state.open());
    EXPECT_TRUE(state.save(memory));
  }
  int check(const std::string& keys = {}, bool json = false) {
    options_.config_file = dir_.write(
        "suspendd.yaml",
        fmt::format("state_dir: {}\n{}\n", dir_ / "state",
                    keys.find("proxy") == keys.npos
                        ? fmt::format("proxy: {{socket: {}}}\n{}", daemon_.socket(), keys)
                        : keys));
    options_.bus = logind_.address();
    options_.json = json;
    return run([this] { return check_box(options_); });
  }
  /// How many lines of what was printed begin so.
  [[nodiscard]] long lines(const std::string& word) const {
    std::istringstream text(out_);
    long count = 0;
    for (std::string line; std::getline(text, line);) count += line.starts_with(word) ? 1 : 0;
    return count;
  }

  test::FakeLogind logind_;
};

TEST_F(CheckBox, AGoodMachineWouldSleep) {
  EXPECT_EQ(check(), 0) << out_ << err_;
  EXPECT_THAT(out_, testing::EndsWith("\nit would sleep; 0 warnings\n"));
  EXPECT_THAT(out_, HasSubstr("ok      suspend allowed"));
  EXPECT_THAT(out_, HasSubstr("the last wake by a magic packet was 1 hours ago"));
  EXPECT_THAT(out_, HasSubstr("the proxy answers"));
  EXPECT_THAT(out_, Not(HasSubstr("->"))) << "there is nothing to do";
  EXPECT_EQ(err_, "");
}

TEST_F(CheckBox, AWarningHasWhatToDoBelowIt) {
  prove(std::chrono::hours(24 * 40));
  EXPECT_EQ(check(), 1) << out_;
  EXPECT_THAT(out_, testing::EndsWith("\nit would sleep; 1 warning\n"));
  EXPECT_THAT(out_, StartsWith("warn    proven wake"));
  // Both begin in one column.
  std::istringstream text(out_);
  std::string what;
  std::string todo;
  std::getline(text, what);
  std::getline(text, todo);
  EXPECT_THAT(todo, StartsWith("        "));
  EXPECT_EQ(what.find("the last wake"), todo.find("-> run rouse-suspendd wake-test"));
}

TEST_F(CheckBox, TheWorstComesFirst) {
  prove(std::chrono::hours(24 * 40));
  tree_.file("/sys/power/state", "freeze\n");
  EXPECT_EQ(check(), 2) << out_;
  EXPECT_THAT(out_, StartsWith("REFUSE  sleep state"));
  EXPECT_LT(out_.find("\nwarn "), out_.find("\nok "));
  EXPECT_THAT(out_, HasSubstr("\n1 thing would keep it from sleeping; 1 warning\n"));
  logind_.set_can_suspend("no");
  EXPECT_EQ(check("proxy: {socket: none}"), 2);
  EXPECT_THAT(out_, HasSubstr("\n2 things would keep it from sleeping; 2 warnings\n"));
  EXPECT_EQ(lines("REFUSE"), 2);
  EXPECT_EQ(lines("warn"), 2);
}

TEST_F(CheckBox, AProxyThatDoesNotAnswerIsNamed) {
  EXPECT_EQ(check("proxy: {socket: /none/power.sock}"), 2);
  EXPECT_THAT(out_, HasSubstr("the proxy does not answer"));
  EXPECT_THAT(out_, HasSubstr("/none/power.sock"));
}

TEST_F(CheckBox, WithoutABusItSaysSoSoon) {
  logind_.stop_bus();
  EXPECT_EQ(check(), 2);
  EXPECT_THAT(out_, HasSubstr("logind could not be asked: "));
}

TEST_F(CheckBox, ScriptsGetAllOfIt) {
  prove(std::chrono::hours(24 * 40));
  EXPECT_EQ(check({}, true), 1);
  EXPECT_THAT(out_, StartsWith(R"({"problems":[],"findings":[{"severity":"warn","title":"proven)"));
  EXPECT_THAT(out_, HasSubstr(R"("todo":"run rouse-suspendd wake-test)"));
  EXPECT_THAT(out_, HasSubstr(R"({"severity":"ok","title":"suspend allowed","what":"logind lets)"));
  EXPECT_EQ(check("idel: 3", true), 2);
  EXPECT_THAT(out_, StartsWith(R"({"problems":[")"));
  EXPECT_THAT(out_, HasSubstr("idel: unknown key"));
  EXPECT_THAT(out_, testing::EndsWith("\"findings\":[]}\n"));
  EXPECT_THAT(err_, HasSubstr("idel: unknown key"));
}

TEST_F(CheckBox, AFileThatIsNamedMustBeThere) {
  options_.config_file = dir_ / "none.yaml";
  EXPECT_EQ(run([this] { return check_box(options_); }), 2);
  EXPECT_THAT(err_, HasSubstr("none.yaml: cannot be read"));
  EXPECT_EQ(out_, "");
}

}  // namespace
}  // namespace rouse::suspendd
