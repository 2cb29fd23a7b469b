#include "tests/support/netns.hpp"

#include "tests/support/child_process.hpp"
#include "tests/support/skip.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sstream>

namespace rouse::test {

namespace {

constexpr int kInsideMaxMs = 30'000;
constexpr std::uint16_t kMarkType = 0x88b5;  // IEEE 802: for local experiments
constexpr int kUserInside = 1000;
constexpr std::size_t kEthernetHead = 14;

bool write_file(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool ok = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return ok;
}

/// Hands all capabilities on to the programs that are run: exec takes them from who is not root.
bool keep_capabilities() {
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};
  if (::syscall(SYS_capget, &head, data.data()) != 0) return false;
  for (__user_cap_data_struct& each : data) each.inheritable = each.permitted;
  if (::syscall(SYS_capset, &head, data.data()) != 0) return false;
  for (const int number : {CAP_NET_ADMIN, CAP_NET_RAW}) {
    const auto capability = static_cast<unsigned long>(number);
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0UL, 0UL) != 0) return false;
  }
  return true;
}

/// Moves this process into new namespaces; what was not allowed, or empty.
std::string enter() {
  const std::string uid = std::to_string(::getuid());
  const std::string gid = std::to_string(::getgid());
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return std::string("unshare(CLONE_NEWUSER | CLONE_NEWNET): ") + std::strerror(errno);
  }
  const std::string inside = std::to_string(kUserInside) + " ";
  write_file("/proc/self/setgroups", "deny");
  if (!write_file("/proc/self/uid_map", inside + uid + " 1") ||
      !write_file("/proc/self/gid_map", inside + gid + " 1")) {
    return std::string("writing the maps of the user namespace: ") + std::strerror(errno);
  }
  if (!keep_capabilities()) return std::string("keeping capabilities: ") + std::strerror(errno);
  return {};
}

/// Runs @p work in a child; its exit status, or -1 when it did not end in time.
int in_child(const std::function<int()>& work) {
  std::fflush(nullptr);
  // ThreadSanitizer starts a thread of its own in whatever fork() makes, and a process with two
  // threads may not enter a user namespace. It does not know of _Fork().
  const pid_t child = ::_Fork();
  if (child < 0) return -1;
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int status = work();
    std::fflush(nullptr);
    ::_exit(status);
  }
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, child, 0));
  pollfd ended{pidfd, POLLIN, 0};
  const bool in_time = ::poll(&ended, 1, kInsideMaxMs) == 1;
  if (!in_time) ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(pidfd);
  return in_time && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Why namespaces cannot be made here; empty: they can.
std::string why_not() {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return "no pipe";
  const int status = in_child([&] {
    std::string why = enter();
    const int socket = why.empty() ? ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) : 0;
    if (socket < 0) why = std::string("a packet socket in it: ") + std::strerror(errno);
    return ::write(pipe[1], why.data(), why.size()) == static_cast<ssize_t>(why.size()) ? 0 : 1;
  });
  ::close(pipe[1]);
  std::array<char, 256> text{};
  const ssize_t size = ::read(pipe[0], text.data(), text.size());
  ::close(pipe[0]);
  if (status != 0) return "a process in namespaces of its own did not end well";
  return {text.data(), static_cast<std::size_t>(size > 0 ? size : 0)};
}

int packet_socket(const std::string& device, std::uint16_t protocol) {
  const int fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
                          static_cast<int>(htons(protocol)));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(protocol);
  address.sll_ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0)
      << device << ": " << std::strerror(errno);
  return fd;
}

}  // namespace

void NetnsTest::SetUp() {
  static const std::string why = why_not();
  if (!why.empty()) ROUSE_SKIP("namespaces", why);
  if (program_path("ip").empty()) ROUSE_SKIP("ip", "iproute2 is not installed");
}

void NetnsTest::inside(const std::function<void()>& body) {
  const int status = in_child([&] {
    const std::string why = enter();
    if (!why.empty()) {
      ADD_FAILURE() << why;
      return 1;
    }
    // One processor, one queue: what is sent first comes out first.
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(::sched_getcpu(), &one);
    ::sched_setaffinity(0, sizeof one, &one);
    body();
    return testing::Test::HasFailure() ? 1 : 0;
  });
  EXPECT_EQ(status, 0) << "see above for what failed in the namespace (-1: it took too long)";
}

std::string program_path(const std::string& name) {
  for (const char* dir : {"/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/"}) {
    std::string path = dir + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return {};
}

void ip(const std::string& arguments) {
  std::vector<std::string> argv{program_path("ip")};
  std::istringstream words(arguments);
  for (std::string word; words >> word;) argv.push_back(word);
  const auto [status, output] = run_program(argv);
  EXPECT_EQ(status, 0) << "ip " << arguments << ": " << output;
}

void drop_capabilities() {
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  EXPECT_EQ(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL), 0);
  EXPECT_EQ(::syscall(SYS_capset, &head, none.data()), 0);
  EXPECT_LT(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), 0) << "still has CAP_NET_RAW";
}

// --- Frame ---------------------------------------------------------------------------------------

namespace {

unsigned byte_at(const std::string& bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
}

std::uint16_t word_at(const std::string& bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8U | byte_at(bytes, at + 1));
}

std::string ipv4_at(const std::string& bytes, std::size_t at) {
  std::string text;
  for (std::size_t i = 0; i < 4; ++i) {
    text += (i == 0 ? "" : ".") + std::to_string(byte_at(bytes, at + i));
  }
  return text;
}

constexpr std::size_t kIpv4Source = kEthernetHead + 12;
constexpr std::size_t kIpv4To = kEthernetHead + 16;
constexpr std::size_t kUdpOverIpv4 = kEthernetHead + 20;
constexpr std::size_t kUdpOverIpv6 = kEthernetHead + 40;

/// Where the UDP header is; 0: there is none. The kernel makes no options or extensions here.
std::size_t udp_at(const Frame& frame) {
  const bool v4 = frame.ethertype() == ETH_P_IP && byte_at(frame.bytes, kEthernetHead + 9) == 17;
  const bool v6 = frame.ethertype() == ETH_P_IPV6 && byte_at(frame.bytes, kEthernetHead + 6) == 17;
  return v4 ? kUdpOverIpv4 : v6 ? kUdpOverIpv6 : 0;
}

}  // namespace

std::string Frame::to_mac() const {
  std::string text;
  for (std::size_t i = 0; i < 6; ++i) {
    std::array<char, 4> hex{};
    std::snprintf(hex.data(), hex.size(), i == 0 ? "%02x" : ":%02x", byte_at(bytes, i));
    text += hex.data();
  }
  return text;
}

std::uint16_t Frame::ethertype() const {
  return word_at(bytes, 12);
}

std::string Frame::from_ip() const {
  return ethertype() == ETH_P_IP && udp_at(*this) != 0 ? ipv4_at(bytes, kIpv4Source) : "";
}

std::string Frame::to_ip() const {
  return ethertype() == ETH_P_IP && udp_at(*this) != 0 ? ipv4_at(bytes, kIpv4To) : "";
}

std::uint16_t Frame::to_port() const {
  const std::size_t udp = udp_at(*this);
  return udp == 0 ? std::uint16_t{0} : word_at(bytes, udp + 2);
}

std::string Frame::payload() const {
  const std::size_t udp = udp_at(*this);
  const std::size_t start = udp == 0 ? kEthernetHead : udp + 8;
  return start < bytes.size() ? bytes.substr(start) : std::string();
}

// --- Wire ----------------------------------------------------------------------------------------

Wire::Wire(const std::string& near, const std::string& far) : name_(near) {
  ip("link add " + near + " type veth peer name " + far);
  ip("link set " + near + " up");
  ip("link set " + far + " up");
  in_ = packet_socket(near, 0);
  out_ = packet_socket(far, ETH_P_ALL);
}

Wire::~Wire() {
  ::close(in_);
  ::close(out_);
}

std::vector<Frame> Wire::frames() {
  std::string mark(60, '\0');
  mark[12] = static_cast<char>(kMarkType >> 8U);
  mark[13] = static_cast<char>(kMarkType & 0xffU);
  EXPECT_EQ(::send(in_, mark.data(), mark.size(), 0), static_cast<ssize_t>(mark.size()))
      << "into " << name_ << ": " << std::strerror(errno);
  std::vector<Frame> frames;
  while (true) {
    std::array<char, 2048> buffer{};
    sockaddr_ll from{};
    socklen_t size = sizeof from;
    pollfd arrived{out_, POLLIN, 0};
    if (::poll(&arrived, 1, 5'000) != 1) {
      ADD_FAILURE() << "the mark does not come out of the wire of " << name_;
      return frames;
    }
    const ssize_t n = ::recvfrom(out_, buffer.data(), buffer.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from), &size);
    if (n <= 0 || from.sll_pkttype == PACKET_OUTGOING) continue;
    Frame frame{std::string(buffer.data(), static_cast<std::size_t>(n))};
    if (frame.ethertype() == kMarkType) return frames;
    frames.push_back(std::move(frame));
  }
}

}  // namespace rouse::test
