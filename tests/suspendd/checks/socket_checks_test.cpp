#include "base/posix.hpp"
#include "suspendd/checks/socket_diag.hpp"
#include "suspendd/checks/ssh_sessions.hpp"
#include "tests/support/netns.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/wait_until.hpp"
#include "tests/suspendd/checks/check_fixture.hpp"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <random>

namespace rouse::suspendd {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

/// A listening socket of loopback, and connections to it.
class Loopback {
 public:
  explicit Loopback(int family = AF_INET) : family_(family) {
    listener_ = UniqueFd(::socket(family, SOCK_STREAM, 0));
    sockaddr_storage address = any();
    if (::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size()) != 0) return;
    ok_ = ::listen(listener_.get(), 16) == 0;
    socklen_t length = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(reinterpret_cast<sockaddr_in*>(&address)->sin_port);  // at the same place in both
  }

  struct Pair {
    UniqueFd client;
    UniqueFd server;
  };
  /// @p family of the client.
  [[nodiscard]] Pair connect(int family) const {
    Pair pair;
    pair.client = UniqueFd(::socket(family, SOCK_STREAM, 0));
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = htons(port_);
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(port_);
    six.sin6_addr = in6addr_loopback;
    const bool is_four = family == AF_INET;
    const int done = ::connect(pair.client.get(),
                               is_four ? reinterpret_cast<const sockaddr*>(&four)
                                       : reinterpret_cast<const sockaddr*>(&six),
                               is_four ? sizeof four : sizeof six);
    EXPECT_EQ(done, 0) << std::strerror(errno);
    pair.server = UniqueFd(::accept(listener_.get(), nullptr, nullptr));
    return pair;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] int fd() const { return listener_.get(); }

 private:
  [[nodiscard]] socklen_t size() const {
    return family_ == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  }
  [[nodiscard]] sockaddr_storage any() const {
    sockaddr_storage address{};
    address.ss_family = static_cast<sa_family_t>(family_);
    // IPv6: any address, so that IPv4 clients come as mapped ones; nobody outside knows the port.
    if (family_ == AF_INET) {
      reinterpret_cast<sockaddr_in*>(&address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    return address;
  }

  int family_;
  bool ok_ = false;
  UniqueFd listener_;
  std::uint16_t port_ = 0;
};

std::uint32_t inode_of(int fd) {
  struct stat status {};
  EXPECT_EQ(::fstat(fd, &status), 0);
  return static_cast<std::uint32_t>(status.st_ino);
}

std::vector<TcpSocket> sockets_at(std::uint16_t port, TcpState state = TcpState::Established) {
  auto found = tcp_sockets(state);
  EXPECT_TRUE(found) << found.error().message();
  if (!found) return {};
  std::erase_if(*found, [port](const TcpSocket& each) { return each.local_port != port; });
  return *found;
}

TEST(SocketDiag, SeesBothEndsOfAListenerAndItsConnection) {
  const Loopback loopback;
  ASSERT_THAT(sockets_at(loopback.port(), TcpState::Listening), SizeIs(1));
  EXPECT_EQ(sockets_at(loopback.port(), TcpState::Listening)[0].inode, inode_of(loopback.fd()));
  EXPECT_THAT(sockets_at(loopback.port()), SizeIs(0));
  const auto pair = loopback.connect(AF_INET);
  const auto found = sockets_at(loopback.port());
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].inode, inode_of(pair.server.get()));
  EXPECT_EQ(found[0].remote, "127.0.0.1");
  EXPECT_NE(found[0].cookie, 0u);
}

TEST(SocketDiag, KnowsWhenAndHowMuchWasReceived) {
  const Loopback loopback;
  const auto pair = loopback.connect(AF_INET);
  const std::string text(1000, 'x');
  ASSERT_EQ(::send(pair.client.get(), text.data(), text.size(), 0), 1000);
  ASSERT_TRUE(
      test::wait_until([&] { return sockets_at(loopback.port())[0].bytes_received == 1000; }));
  const auto at_once = sockets_at(loopback.port())[0].since_received;
  ASSERT_TRUE(at_once);
  ASSERT_TRUE(test::wait_until(
      [&] { return sockets_at(loopback.port())[0].since_received > *at_once + milliseconds(30); }));
  // What the kernel says by another way.
  tcp_info info{};
  socklen_t size = sizeof info;
  ASSERT_EQ(::getsockopt(pair.server.get(), IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  EXPECT_NEAR(info.tcpi_last_data_recv,
              static_cast<double>(sockets_at(loopback.port())[0].since_received->count()), 500);
}

TEST(SocketDiag, AnIPv4ClientOfAnIPv6SocketHasAnIPv4Address) {
  const Loopback loopback(AF_INET6);
  if (!loopback.ok()) ROUSE_SKIP("ipv6", "no socket can listen on it");
  const auto mapped = loopback.connect(AF_INET);
  ASSERT_THAT(sockets_at(loopback.port()), SizeIs(1));
  EXPECT_EQ(sockets_at(loopback.port())[0].remote, "127.0.0.1");
  const auto six = loopback.connect(AF_INET6);
  EXPECT_THAT(sockets_at(loopback.port()),
              testing::Contains(testing::Field(&TcpSocket::remote, "::1")));
}

/// Many sockets take several datagrams.
TEST(SocketDiag, SeesAllOfMany) {
  const Loopback loopback;
  std::vector<Loopback::Pair> pairs;
  for (int i = 0; i < 300; ++i) pairs.push_back(loopback.connect(AF_INET));
  EXPECT_THAT(sockets_at(loopback.port()), SizeIs(300));
}

/// In a network namespace of its own: 0 when all was as it should be.
int look_in_a_namespace(std::uint16_t outer_port) {
  if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return 77;
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", IFNAMSIZ);
  request.ifr_flags = IFF_UP;
  if (::ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) return 1;
  const Loopback loopback;
  const auto pair = loopback.connect(AF_INET);
  const auto found = tcp_sockets(TcpState::Established);
  if (!found || found->size() != 2) return 2;  // both ends, and nothing of the outer one
  if (!sockets_at(outer_port).empty() && outer_port != loopback.port()) return 3;
  return 0;
}

TEST(SocketDiag, SeesItsOwnNetworkNamespaceOnly) {
  const Loopback loopback;
  const auto pair = loopback.connect(AF_INET);
  const pid_t child = ::_Fork();
  if (child == 0) ::_exit(look_in_a_namespace(loopback.port()));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) ROUSE_SKIP("namespaces", "unshare() is refused");
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

/// One message of an answer, as bytes.
std::string message(std::uint16_t type, const std::string& payload) {
  nlmsghdr head{};
  head.nlmsg_type = type;
  head.nlmsg_len = static_cast<std::uint32_t>(sizeof head + payload.size());
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
  bytes += payload;
  bytes.resize((bytes.size() + 3) & ~std::size_t{3});
  return bytes;
}

TEST(SocketDiag, ErrorsOfTheKernelAreErrors) {
  std::vector<TcpSocket> found;
  const int code = -EPERM;
  const std::string refused =
      message(NLMSG_ERROR, std::string(reinterpret_cast<const char*>(&code), sizeof code));
  const auto result = read_diag_answer(refused.data(), refused.size(), found);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message(),
            "asking the kernel for its TCP sockets: Operation not permitted");
  const std::string done = message(NLMSG_DONE, std::string(4, '\0'));
  EXPECT_FALSE(*read_diag_answer(done.data(), done.size(), found));
  EXPECT_TRUE(*read_diag_answer("", 0, found));
}

TEST(SocketDiag, NothingIsReadBehindTheEnd) {
  std::vector<TcpSocket> found;
  const std::string whole = message(SOCK_DIAG_BY_FAMILY, std::string(sizeof(inet_diag_msg), '\0'));
  EXPECT_FALSE(read_diag_answer(whole.data(), whole.size() - 4, found))
      << "it says that it is longer";
  rtattr head{};
  head.rta_type = INET_DIAG_INFO;
  head.rta_len = 400;
  std::string attribute(reinterpret_cast<const char*>(&head), sizeof head);
  attribute += std::string(396, '\1');
  const std::string room = message(
      SOCK_DIAG_BY_FAMILY, std::string(sizeof(inet_diag_msg), '\0') + attribute.substr(0, 200));
  // As much again lies behind it, so that what would be read too far is there.
  ASSERT_TRUE(read_diag_answer((room + attribute).data(), room.size(), found));
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].bytes_received, 0u);
}

TEST(SocketDiag, SurvivesAnyBytes) {
  std::mt19937 random(3);
  int read = 0;
  int refused = 0;
  std::size_t sockets = 0;
  const std::string whole = message(SOCK_DIAG_BY_FAMILY, std::string(sizeof(inet_diag_msg), 'a')) +
                            message(SOCK_DIAG_BY_FAMILY, std::string(400, '\4'));
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = whole.substr(0, random() % (whole.size() + 1));
    for (int i = 0; i < 4 && !bytes.empty(); ++i) {
      bytes[random() % bytes.size()] = static_cast<char>(random() % 3 == 0 ? random() : 8);
    }
    const std::unique_ptr<char[]> exact(new char[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), exact.get());
    std::vector<TcpSocket> found;
    const auto answer = read_diag_answer(exact.get(), bytes.size(), found);
    ++(answer ? read : refused);
    sockets += found.size();
  }
  EXPECT_GT(read, 0);
  EXPECT_GT(refused, 0);
  EXPECT_GT(sockets, 0U) << "what is broken goes deeper than the head";
}

// --- port ----------------------------------------------------------------------------------------

class PortCheckTest : public CheckFixture {
 protected:
  Finding ask(std::uint16_t port, milliseconds idle = minutes(15)) {
    PortCheck settings;
    settings.ports = {port};
    settings.idle = idle;
    return look(make(settings));
  }
};

TEST_F(PortCheckTest, AConnectionThatSaysSomethingIsActivity) {
  const Loopback loopback;
  const std::string port = std::to_string(loopback.port());
  EXPECT_THAT(ask(loopback.port()), IsIdle("nobody is connected to port " + port));
  const auto pair = loopback.connect(AF_INET);
  EXPECT_THAT(ask(loopback.port()),
              IsActive(HasSubstr("1 connection to port " + port + ", data from 127.0.0.1 0s ago")));
  ASSERT_TRUE(test::wait_until(
      [&] { return sockets_at(loopback.port())[0].since_received > milliseconds(1); }));
  const Finding silent = ask(loopback.port(), milliseconds(1));
  EXPECT_THAT(silent, IsIdle(HasSubstr("1 connection to port " + port + ", silent for")));
  EXPECT_GT(silent.idle_for.count(), 0);
  EXPECT_THAT(ask(loopback.port(), milliseconds(0)), IsActive(HasSubstr("from 127.0.0.1")));
}

class PortsInside : public PortCheckTest {
 public:
  ~PortsInside() override { TearDown(); }
  void TestBody() override {}
  using PortCheckTest::ask;
};

class PortOfOthersTest : public test::NetnsTest {};

TEST_F(PortOfOthersTest, WhatWeConnectToDoesNotCount) {
  inside([] {
    test::ip("link set lo up");
    // A connection without the other end, as if that were on another machine.
    const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ASSERT_EQ(::setsockopt(socket.get(), IPPROTO_TCP, TCP_REPAIR, &on, sizeof on), 0)
        << std::strerror(errno);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    address.sin_port = htons(8080);
    ASSERT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    PortsInside ports;
    EXPECT_THAT(ports.ask(ntohs(address.sin_port)), IsActive(HasSubstr("1 connection")));
    EXPECT_THAT(ports.ask(8080), IsIdle("nobody is connected to port 8080"));
  });
}

TEST_F(PortCheckTest, NeedsAPort) {
  EXPECT_THAT(look(make(PortCheck())), IsUnknown("it names no port"));
}

// --- ssh -----------------------------------------------------------------------------------------

TEST(SshTitle, SessionsAreToldFromTheRest) {
  for (const char* title :
       {"sshd: alice@pts/0", "sshd: alice@notty", "sshd-session: bob@pts/1", "sshd: al@corp@pts/0",
        "sshd: alice@pts/0,pts/1", "sshd: root@internal-sftp"}) {
    EXPECT_TRUE(is_session_title(title)) << title;
  }
  for (const char* title :
       {"sshd: alice [priv]", "sshd: [accepted]", "sshd: unknown [net]", "sshd: al@corp [priv]",
        "sshd-session: alice [priv]", "sshd-auth: alice@pts/0", "/usr/sbin/sshd -D", "",
        "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", "vim sshd: a@b"}) {
    EXPECT_FALSE(is_session_title(title)) << title;
  }
  EXPECT_TRUE(is_server_title("sshd: /usr/sbin/sshd -D [listener] 1 of 10-100 startups"));
  EXPECT_TRUE(is_server_title("/usr/sbin/sshd -D"));
  EXPECT_FALSE(is_server_title("sshd: alice [priv]"));
}

class SshSessionsTest : public CheckFixture {
 protected:
  void process(int pid, const std::string& comm, const std::string& title,
               const std::vector<std::uint32_t>& inodes, bool fds_are_hidden = false) {
    const std::string folder = fmt::format("/proc/{}", pid);
    file(folder + "/comm", comm + "\n");
    file(folder + "/cmdline", title + std::string(20, '\0'));
    if (fds_are_hidden) return;
    file(folder + "/fd/0", "");
    for (const std::uint32_t inode : inodes) {
      const std::string link = dir_ / fmt::format("proc/{}/fd/{}", pid, inode);
      ASSERT_EQ(::symlink(fmt::format("socket:[{}]", inode).c_str(), link.c_str()), 0);
    }
  }
  static TcpSocket listener(std::uint32_t inode, std::uint16_t port) {
    TcpSocket socket;
    socket.inode = inode;
    socket.local_port = port;
    return socket;
  }
  TcpSocket& connection(std::uint32_t inode, milliseconds silent, std::uint16_t port = 22) {
    TcpSocket socket;
    socket.cookie = inode;
    socket.inode = inode;
    socket.local_port = port;
    socket.remote = "192.0.2.7";
    socket.since_received = silent;
    established_.push_back(socket);
    return established_.back();
  }
  Finding judge() { return sessions().judge(listening_, established_, now_); }
  SshSessions& sessions() {
    if (!sessions_) sessions_ = std::make_unique<SshSessions>(settings_, context_.root);
    return *sessions_;
  }

  SshCheck settings_;
  std::vector<TcpSocket> listening_;
  std::vector<TcpSocket> established_;
  std::unique_ptr<SshSessions> sessions_;
};

TEST_F(SshSessionsTest, FindsThePortsByItself) {
  listening_ = {listener(7, 2222), listener(8, 8080), listener(9, 6010)};
  process(1, "systemd", "/sbin/init", {});
  process(50, "sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", {7});
  process(60, "sshd", "sshd: alice@pts/0", {9});  // a forwarded X11
  EXPECT_THAT(judge(), IsIdle("no ssh connection to port 2222"));
  process(70, "sshd", "/usr/sbin/sshd -f other", {8});
  EXPECT_THAT(judge(), IsIdle("no ssh connection to port 2222")) << "the listeners are the same";
  listening_.push_back(listener(10, 8081));
  EXPECT_THAT(judge(), IsIdle("no ssh connection to port 2222, 8080"));
}

TEST_F(SshSessionsTest, TheLatestOfThemCounts) {
  process(60, "sshd-session", "sshd-session: alice@pts/0", {31, 32, 33});
  connection(31, minutes(50));
  connection(32, minutes(2)).remote = "192.0.2.8";
  connection(33, minutes(40));
  EXPECT_THAT(judge(), IsActive(HasSubstr("3 ssh connections, used 2m ago from 192.0.2.8")));
}

TEST_F(SshSessionsTest, WhereItMayNotSeeThemItGoesByTheConfiguration) {
  listening_ = {listener(7, 2222)};
  process(50, "sshd", "/usr/sbin/sshd -D", {}, true);
  EXPECT_THAT(judge(), IsIdle("no ssh connection to port 22"));
  file("/etc/ssh/sshd_config", "# Port 1\n#Port 22\nPORT 2022\nPortal 7\nPort x\nPort 70000\n");
  file("/etc/ssh/sshd_config.d/a.conf", "  Port\t2023\n");
  file("/etc/ssh/sshd_config.d/b.bak", "Port 2024\n");
  sessions_.reset();
  EXPECT_THAT(judge(), IsIdle("no ssh connection to port 2022, 2023"));
}

TEST_F(SshSessionsTest, OnlyWhoHasLoggedInCounts) {
  process(60, "sshd", "sshd: [accepted]", {100});
  connection(100, seconds(1));
  EXPECT_THAT(judge(), IsIdle("1 connection to port 22, nobody logged in"));
  process(61, "sshd-session", "sshd-session: alice@pts/0", {101});
  connection(101, seconds(3));
  EXPECT_THAT(judge(), IsActive("1 ssh connection, used 3s ago from 192.0.2.7, less than 1h"));
}

TEST_F(SshSessionsTest, WithoutTheRightToSeeSocketsASessionAnywhereIsEnough) {
  connection(100, seconds(1));
  process(60, "sshd", "sshd: alice [priv]", {}, true);
  EXPECT_EQ(judge().verdict, Verdict::Idle);
  process(61, "sshd", "sshd: alice@notty", {}, true);
  EXPECT_EQ(judge().verdict, Verdict::Active);
}

TEST_F(SshSessionsTest, WhoStaysBeyondTheLoginGraceIsLoggedIn) {
  connection(100, seconds(1));
  EXPECT_EQ(judge().verdict, Verdict::Idle);
  pass(seconds(140));
  EXPECT_EQ(judge().verdict, Verdict::Idle);
  pass(seconds(20));
  EXPECT_EQ(judge().verdict, Verdict::Active) << "whatever serves it, it is no scanner";
}

TEST_F(SshSessionsTest, SignsOfLifeAreNoUse) {
  process(61, "sshd", "sshd: alice@pts/0", {100});
  connection(100, seconds(0));
  EXPECT_EQ(judge().verdict, Verdict::Active);
  for (int i = 0; i < 3 * 60; ++i) {  // a client that says every 20 s that it is there
    pass(seconds(20));
    established_[0].bytes_received += 60;
    established_[0].since_received = milliseconds(10);
    if (i == 100) {
      EXPECT_EQ(judge().verdict, Verdict::Active) << "not yet an hour";
    }
    static_cast<void>(judge());
  }
  const Finding finding = judge();
  EXPECT_THAT(finding, IsIdle("1 ssh connection, silent for 1h"));
  EXPECT_EQ(finding.idle_for, hours(1));
  pass(seconds(5));
  established_[0].bytes_received += 700;
  established_[0].since_received = seconds(2);
  EXPECT_THAT(judge(), IsActive(HasSubstr("used 2s ago")));
}

TEST_F(SshSessionsTest, ASilenceBeforeWeCameCounts) {
  process(61, "sshd", "sshd: alice@pts/0", {100});
  connection(100, hours(2));
  EXPECT_THAT(judge(), IsIdle("1 ssh connection, silent for 2h"));
}

TEST_F(SshSessionsTest, WhoLeavesIsForgotten) {
  process(61, "sshd", "sshd: alice@pts/0", {100});
  connection(100, seconds(1));
  EXPECT_EQ(judge().verdict, Verdict::Active);
  established_.clear();
  EXPECT_THAT(judge(), IsIdle("no ssh connection to port 22"));
}

TEST_F(SshSessionsTest, ConfiguredPortsAreTheOnlyOnes) {
  settings_.ports = {2200};
  process(61, "sshd", "sshd: alice@pts/0", {100, 101});
  connection(100, seconds(1));
  EXPECT_THAT(judge(), IsIdle("no ssh connection to port 2200"));
  connection(101, seconds(1), 2200);
  EXPECT_EQ(judge().verdict, Verdict::Active);
}

TEST_F(SshSessionsTest, TailscalesOwnServerHasNoSocket) {
  file("/sys/fs/cgroup/system.slice/tailscaled.service/cgroup.procs", "70\n71\n72\n");
  process(70, "tailscaled", "/usr/sbin/tailscaled", {});
  process(71, "tailscaled", std::string("/usr/sbin/tailscaled\0be-child\0ssh\0--uid=0", 42), {});
  EXPECT_THAT(judge(), IsActive("1 session over Tailscale SSH"));
  remove("/proc/71");
  EXPECT_EQ(judge().verdict, Verdict::Idle);
}

/// A program under another name and title that keeps a socket.
class Pretender {
 public:
  Pretender(const std::string& program, const std::string& title, int keeps) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::dup2(keeps, 9);
    for (int fd = 3; fd < 9; ++fd) ::close(fd);
    for (int fd = 10; fd < 1024; ++fd) ::close(fd);
    ::execl(program.c_str(), title.c_str(), "1000", nullptr);
    ::_exit(127);
  }
  ~Pretender() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Pretender(const Pretender&) = delete;
  Pretender& operator=(const Pretender&) = delete;

  /// It has become the program.
  [[nodiscard]] bool is_there() const {
    const auto comm = Root().read(fmt::format("/proc/{}/comm", pid_));
    return comm && comm->starts_with("sshd");
  }

 private:
  pid_t pid_ = -1;
};

class SshCheckTest : public CheckFixture {};

TEST_F(SshCheckTest, KnowsAScannerFromASessionOnThisMachine) {
  context_.root = Root();
  const std::string program = dir_ / "sshd";
  std::filesystem::copy_file("/bin/sleep", program);
  Loopback loopback;
  const Pretender server(program, "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups",
                         loopback.fd());
  ASSERT_TRUE(test::wait_until([&] { return server.is_there(); }));
  const auto check = make(SshCheck());
  EXPECT_THAT(look(check), IsIdle(HasSubstr(std::to_string(loopback.port()))));
  auto scanner = loopback.connect(AF_INET);
  {
    const Pretender before(program, "sshd: [accepted]", scanner.server.get());
    ASSERT_TRUE(test::wait_until([&] { return before.is_there(); }));
    EXPECT_THAT(look(check), IsIdle(HasSubstr("nobody logged in")));
  }
  const Pretender session(program, "sshd: alice@pts/0", scanner.server.get());
  ASSERT_TRUE(test::wait_until([&] { return session.is_there(); }));
  EXPECT_THAT(look(check), IsActive(HasSubstr("1 ssh connection, used")));
}

}  // namespace
}  // namespace rouse::suspendd
