// How the daemon begins and ends.

#include "tests/integration/suspendd_world.hpp"

#include <gmock/gmock.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>

namespace rouse::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> daemon_of(const Box& box, const std::string& bus) {
  return {built_program("rouse-suspendd"),
          "run",
          "--config",
          box.config,
          "--root",
          box.tree.at(""),
          "--bus",
          bus};
}

/// Ended by the signal itself is well, too, as long as it had not begun.
void expect_an_end(ChildProcess& daemon, std::string_view when) {
  daemon.signal(SIGTERM);
  const std::optional<int> status = daemon.wait(5s);
  ASSERT_TRUE(status) << when << ": " << daemon.output();
  if (*status == 128 + SIGTERM) {
    EXPECT_THAT(daemon.output(), IsEmpty()) << when;
  } else {
    EXPECT_EQ(*status, 0) << when << ": " << daemon.output();
  }
}

TEST(SuspenddLife, SigtermEndsItInTheFirstMoments) {
  Box box;
  int ended_by_itself = 0;
  for (std::chrono::milliseconds delay = 0ms; delay < 160ms; delay += 5ms) {
    ChildProcess daemon(daemon_of(box, box.logind.address()));
    (void)wait_until([&] { return !daemon.running(); }, delay);
    expect_an_end(daemon, fmt::format("{} ms after the start", delay.count()));
    ended_by_itself += daemon.output().empty() ? 0 : 1;
  }
  EXPECT_GT(ended_by_itself, 0) << "all of these moments were before the first of its own";
}

/// Takes connections and says nothing, as a bus that hangs.
class SilentSocket {
 public:
  explicit SilentSocket(const std::string& path)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd_, 8), 0);
  }
  ~SilentSocket() { ::close(fd_); }
  SilentSocket(const SilentSocket&) = delete;
  SilentSocket& operator=(const SilentSocket&) = delete;

 private:
  int fd_;
};

TEST(SuspenddLife, SigtermEndsItWhileItWaitsForTheBus) {
  Box box;
  const SilentSocket silent(box.dir / "bus");
  const std::vector<std::string> buses{"unix:path=/none/at/all", "unix:path=" + (box.dir / "bus")};
  for (const std::string& bus : buses) {
    ChildProcess daemon(daemon_of(box, bus));
    ASSERT_TRUE(wait_until([&] { return catches_signal(daemon.pid(), SIGTERM); })) << bus;
    const auto asked = ProbeClock::now();
    expect_an_end(daemon, bus);
    EXPECT_LT(ProbeClock::now() - asked, 1500ms) << "it waits two seconds for a bus";
  }
}

TEST(SuspenddLife, AStartThatFailsEndsWithItsStatusAndAWord) {
  Box box;
  box.start();
  const auto start = [&](const std::string& config) {
    return run_program({built_program("rouse-suspendd"), "run", "--config", config, "--root",
                        box.tree.at(""), "--bus", box.logind.address()},
                       {}, 10s);
  };
  const auto [taken, taken_text] = start(box.config);
  EXPECT_EQ(taken, 1);
  EXPECT_THAT(taken_text, HasSubstr("another rouse-suspendd runs already"));

  const std::string folders = fmt::format(
      "control: {{socket: {0}/2.sock}}\nstate_dir: {0}/state2\n", box.dir.path().string());
  const auto [port, port_text] = start(box.dir.write(
      "port.yaml",
      folders + fmt::format("metrics: {{listen: \"127.0.0.1:{}\"}}\n", box.world.port())));
  EXPECT_EQ(port, 1);
  EXPECT_THAT(port_text, HasSubstr("the port is in use by pid"));
  EXPECT_THAT(port_text, HasSubstr("(metrics.listen)"));

  const auto [state, state_text] =
      start(box.dir.write("state.yaml", "state_dir: " + box.config + "/state\n"));
  EXPECT_EQ(state, 1);
  EXPECT_THAT(state_text, HasSubstr("see state_dir"));

  const auto [broken, broken_text] = start(box.dir.write("broken.yaml", "idle: [\n"));
  EXPECT_EQ(broken, 2);
  EXPECT_THAT(broken_text, HasSubstr("broken.yaml:"));
}

}  // namespace
}  // namespace rouse::test
