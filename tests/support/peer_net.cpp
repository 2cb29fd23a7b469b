#include "tests/support/peer_net.hpp"

#include "tests/support/netns.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sstream>

namespace rouse::test {

namespace {

constexpr std::size_t kEthernet = 14;

unsigned byte_at(const std::string& bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
}
unsigned word_at(const std::string& bytes, std::size_t at) {
  return byte_at(bytes, at) << 8U | byte_at(bytes, at + 1);
}

/// Frames are carried as they are on a wire: whole, and with their sums.
void finish_frames(int fd, const char* device) {
  for (const int command : {ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO}) {
    ethtool_value value{static_cast<std::uint32_t>(command), 0};
    ifreq request{};
    std::strncpy(request.ifr_name, device, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&value);
    EXPECT_EQ(::ioctl(fd, SIOCETHTOOL, &request), 0) << device << ": " << std::strerror(errno);
  }
}

/// eth0 with @p address, in the namespace of now; a packet socket at the other end of its cable.
int make_end(const std::string& address, const std::string& mac) {
  ip("link set lo up");
  ip("link add eth0 type veth peer name far0");
  ip("link set eth0 address " + mac);
  ip("link set eth0 addrgenmode none");
  ip("link set far0 addrgenmode none");
  ip("link set far0 arp off");
  const int fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
  EXPECT_GE(fd, 0) << std::strerror(errno);
  for (const char* device : {"eth0", "far0"}) finish_frames(fd, device);
  ip("link set eth0 up");
  ip("link set far0 up");
  ip("addr add " + address + "/24 brd + dev eth0");
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_protocol = htons(ETH_P_ALL);
  where.sll_ifindex = static_cast<int>(::if_nametoindex("far0"));
  EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where), 0);
  return fd;
}

bool is_tcp(const std::string& frame) {
  return word_at(frame, 12) == ETH_P_IP && byte_at(frame, kEthernet + 9) == IPPROTO_TCP;
}
std::size_t tcp_at(const std::string& frame) {
  return kEthernet + (byte_at(frame, kEthernet) & 0xfU) * 4;
}

}  // namespace

int wakes_card(const std::string& frame, const std::string& mac) {
  const unsigned type = word_at(frame, 12);
  const bool is_udp = type == ETH_P_IP && byte_at(frame, kEthernet + 9) == IPPROTO_UDP;
  if (!is_udp && type != 0x0842) return 0;
  std::string address;
  std::istringstream text(mac);
  for (std::string part; std::getline(text, part, ':');) {
    address += static_cast<char>(std::stoi(part, nullptr, 16));
  }
  std::string pattern(6, '\xff');
  for (int i = 0; i < 16; ++i) pattern += address;
  int count = 0;
  for (std::size_t at = frame.find(pattern, kEthernet); at != std::string::npos;
       at = frame.find(pattern, at + pattern.size())) {
    ++count;
  }
  return count;
}

PeerNet::PeerNet() {
  front_ns_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  std::thread([this] {
    EXPECT_EQ(::unshare(CLONE_NEWNET), 0) << std::strerror(errno);
    box_ns_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
  }).join();
  stop_ = ::eventfd(0, EFD_CLOEXEC);
  front_.fd = make_end("10.9.1.1", "02:00:00:00:00:01");
  in_box([this] { box_.fd = make_end(kBoxIp, kBoxMac); });
  thread_ = std::thread([this] { run(); });
}

PeerNet::~PeerNet() {
  if (asleep_) wake();
  const std::uint64_t one = 1;
  EXPECT_EQ(::write(stop_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
  thread_.join();
  for (const int fd : {front_ns_, box_ns_, front_.fd, box_.fd, stop_}) ::close(fd);
}

void PeerNet::in_box(const std::function<void()>& work) const {
  ASSERT_EQ(::setns(box_ns_, CLONE_NEWNET), 0) << std::strerror(errno);
  work();
  ASSERT_EQ(::setns(front_ns_, CLONE_NEWNET), 0) << std::strerror(errno);
}

void PeerNet::sleep(std::vector<pid_t> processes, int nth) {
  processes_ = std::move(processes);
  missing_ = nth - 1;
  for (const pid_t each : processes_) ::kill(each, SIGSTOP);
  asleep_ = true;
}

void PeerNet::wake() {
  asleep_ = false;
  if (!late_) go_on();
}

void PeerNet::go_on() {
  for (const pid_t each : processes_) ::kill(each, SIGCONT);
}

void PeerNet::lose_connections_with(std::string text) {
  const std::lock_guard lock(lose_);
  lose_text_ = std::move(text);
  lose_ports_.clear();
}

void PeerNet::run() {
  for (;;) {
    std::array<pollfd, 3> wait{{{front_.fd, POLLIN, 0}, {box_.fd, POLLIN, 0}, {stop_, POLLIN, 0}}};
    ::poll(wait.data(), wait.size(), -1);
    if (wait[2].revents != 0) return;
    carry(front_, box_);
    carry(box_, front_);
  }
}

void PeerNet::carry(const End& from, const End& to) {
  std::array<char, 65536> buffer{};
  for (;;) {
    sockaddr_ll source{};
    socklen_t size = sizeof source;
    const ssize_t n = ::recvfrom(from.fd, buffer.data(), buffer.size(), 0,
                                 reinterpret_cast<sockaddr*>(&source), &size);
    if (n < 0) return;
    if (source.sll_pkttype == PACKET_OUTGOING) continue;
    const std::string frame(buffer.data(), static_cast<std::size_t>(n));
    const bool from_front = &from == &front_;
    if (from_front) saw_packet(wakes_card(frame, kBoxMac));
    if (asleep_ || is_lost(frame, from_front)) continue;
    const ssize_t sent = ::send(to.fd, frame.data(), frame.size(), 0);
    if (sent < 0)
      std::fprintf(stderr, "cable: %zu bytes: %s\n", frame.size(), std::strerror(errno));
  }
}

bool PeerNet::is_lost(const std::string& frame, bool from_front) {
  if (!is_tcp(frame)) return false;
  const std::lock_guard lock(lose_);
  if (lose_text_.empty()) return false;
  const auto port =
      static_cast<std::uint16_t>(word_at(frame, tcp_at(frame) + (from_front ? 0 : 2)));
  const bool known = std::find(lose_ports_.begin(), lose_ports_.end(), port) != lose_ports_.end();
  if (!known && from_front && frame.find(lose_text_) != std::string::npos) {
    lose_ports_.push_back(port);
    ++lost_connections_;
    return true;
  }
  return known;
}

void PeerNet::saw_packet(int count) {
  if (count == 0) return;
  if (packets_++ == 0) first_packet_at_ = ProbeClock::now();
  if (!asleep_ || missing_-- > 0) return;
  wake();
}

}  // namespace rouse::test
