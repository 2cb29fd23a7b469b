#include "base/wake/packets.hpp"

#include "tests/support/child_process.hpp"
#include "tests/support/netns.hpp"
#include "tests/support/skip.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace rouse {
namespace {

namespace ip = boost::asio::ip;
using test::Frame;
using test::Wire;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

const char* const kMac = "3c:7c:3f:12:34:56";

WakePlan plan_for(const std::string& mac = kMac) {
  WakePlan plan;
  plan.macs.push_back(*MacAddress::parse(mac));
  return plan;
}

ip::address_v4 v4(const char* text) {
  return ip::make_address_v4(text);
}

/// "TO-IP:PORT from FROM-IP" of the magic packets for kMac that came out of @p wire.
std::vector<std::string> seen(Wire& wire) {
  std::vector<std::string> texts;
  for (const Frame& frame : wire.frames()) {
    const auto packet = find_magic_packet(frame.payload());
    if (!packet) continue;
    EXPECT_EQ(packet->mac.text(), kMac);
    texts.push_back(
        frame.to_port() == 0
            ? fmt::format("{:#06x} to {}", frame.ethertype(), frame.to_mac())
            : fmt::format("{}:{} from {}", frame.to_ip(), frame.to_port(), frame.from_ip()));
  }
  return texts;
}

/// What became of each path: "PATH DESTINATION: ok" or its errno.
std::vector<std::string> told(const std::vector<WakeResult>& results) {
  std::vector<std::string> texts;
  for (const WakeResult& each : results) {
    const std::string end = each.ok ? "ok" : std::to_string(each.code);
    texts.push_back(fmt::format("{} {}: {}", each.path, each.destination, end));
  }
  return texts;
}

/// What the kernel itself says of a datagram to @p to; 0: nothing.
int errno_of_plain_send(const char* to, bool may_broadcast = true) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int yes = may_broadcast ? 1 : 0;
  ::setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(9);
  ::inet_pton(AF_INET, to, &address.sin_addr);
  const std::string packet = magic_packet(*MacAddress::parse(kMac), {});
  const ssize_t sent = ::sendto(fd, packet.data(), packet.size(), 0,
                                reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int code = sent < 0 ? errno : 0;
  ::close(fd);
  return code;
}

/// Two networks, 10.9.1.0/24 on lan0 and 10.9.2.0/24 on lan1.
struct TwoNetworks {
  Wire lan0{"lan0", "far0"};
  Wire lan1{"lan1", "far1"};

  TwoNetworks() {
    test::ip("addr add 10.9.1.1/24 brd + dev lan0");
    test::ip("addr add 10.9.2.1/24 brd + dev lan1");
  }
};

class WakePackets : public test::NetnsTest {};

TEST_F(WakePackets, WithoutADefaultRouteTheLimitedBroadcastHasNoWayOfItsOwn) {
  inside([] {
    TwoNetworks net;
    test::drop_capabilities();
    EXPECT_EQ(errno_of_plain_send("255.255.255.255"), ENETUNREACH);
    const auto results = send_packets(plan_for());
    EXPECT_THAT(told(results),
                UnorderedElementsAre("broadcast 10.9.1.255:9 on lan0 from 10.9.1.1: ok",
                                     "broadcast 255.255.255.255:9 on lan0: ok",
                                     "broadcast 10.9.2.255:9 on lan1 from 10.9.2.1: ok",
                                     "broadcast 255.255.255.255:9 on lan1: ok"));
    EXPECT_THAT(seen(net.lan0), UnorderedElementsAre("10.9.1.255:9 from 10.9.1.1",
                                                     "255.255.255.255:9 from 10.9.1.1"));
    EXPECT_THAT(seen(net.lan1), UnorderedElementsAre("10.9.2.255:9 from 10.9.2.1",
                                                     "255.255.255.255:9 from 10.9.2.1"));
  });
}

TEST_F(WakePackets, ADefaultRouteDoesNotTakeAllOfThem) {
  inside([] {
    TwoNetworks net;
    test::ip("route add default via 10.9.2.254");
    test::drop_capabilities();
    EXPECT_EQ(errno_of_plain_send("255.255.255.255"), 0);
    EXPECT_THAT(seen(net.lan0), IsEmpty());
    EXPECT_THAT(seen(net.lan1), ElementsAre("255.255.255.255:9 from 10.9.2.1"));
    WakePlan plan = plan_for();
    plan.broadcast.push_back(v4("255.255.255.255"));
    EXPECT_THAT(send_packets(plan), Each(Field(&WakeResult::ok, true)));
    EXPECT_THAT(seen(net.lan0), ElementsAre("255.255.255.255:9 from 10.9.1.1"));
    EXPECT_THAT(seen(net.lan1), ElementsAre("255.255.255.255:9 from 10.9.2.1"));
  });
}

TEST_F(WakePackets, ADirectedBroadcastLeavesByTheInterfaceOfItsNetwork) {
  inside([] {
    TwoNetworks net;
    test::drop_capabilities();
    EXPECT_EQ(errno_of_plain_send("10.9.2.255", false), EACCES);
    WakePlan plan = plan_for();
    plan.broadcast.push_back(v4("10.9.2.255"));
    EXPECT_THAT(told(send_packets(plan)), ElementsAre("broadcast 10.9.2.255:9: ok"));
    EXPECT_THAT(seen(net.lan0), IsEmpty());
    EXPECT_THAT(seen(net.lan1), ElementsAre("10.9.2.255:9 from 10.9.2.1"));
  });
}

TEST_F(WakePackets, ASourceAddressChoosesItsInterfaceWithoutAnyCapability) {
  inside([] {
    TwoNetworks net;
    test::ip("route add default via 10.9.1.254");
    test::drop_capabilities();
    WakePlan plan = plan_for();
    plan.source = v4("10.9.2.1");
    plan.broadcast.push_back(v4("255.255.255.255"));
    EXPECT_THAT(told(send_packets(plan)),
                ElementsAre("broadcast 255.255.255.255:9 from 10.9.2.1: ok"));
    plan.broadcast.clear();
    EXPECT_THAT(send_packets(plan), AllOf(SizeIs(2), Each(Field(&WakeResult::ok, true))));
    EXPECT_THAT(seen(net.lan0), IsEmpty());
    EXPECT_THAT(seen(net.lan1),
                ElementsAre("255.255.255.255:9 from 10.9.2.1", "10.9.2.255:9 from 10.9.2.1",
                            "255.255.255.255:9 from 10.9.2.1"));
  });
}

TEST_F(WakePackets, AnInterfaceIsUsedWithoutAnyCapability) {
  inside([] {
    TwoNetworks net;
    test::ip("route add default via 10.9.1.254");
    test::drop_capabilities();
    WakePlan plan = plan_for();
    plan.interface = "lan1";
    EXPECT_THAT(send_packets(plan), AllOf(SizeIs(2), Each(Field(&WakeResult::ok, true))));
    plan.broadcast.push_back(v4("255.255.255.255"));
    EXPECT_THAT(send_packets(plan), AllOf(SizeIs(1), Each(Field(&WakeResult::ok, true))));
    EXPECT_THAT(seen(net.lan0), IsEmpty());
    EXPECT_THAT(seen(net.lan1), SizeIs(3));
  });
}

TEST_F(WakePackets, OneBadPathDoesNotStopTheOthers) {
  inside([] {
    TwoNetworks net;
    test::ip("neigh add 10.9.1.20 lladdr 3c:7c:3f:12:34:56 dev lan0 nud permanent");
    test::drop_capabilities();
    WakePlan plan = plan_for();
    plan.broadcast = {v4("192.168.77.255"), v4("10.9.1.255")};
    plan.raw = true;
    plan.unicast = {ip::make_address("10.9.1.20"), ip::make_address("192.168.77.7")};
    const auto results = send_packets(plan);
    EXPECT_THAT(told(results),
                ElementsAre(fmt::format("broadcast 192.168.77.255:9: {}", ENETUNREACH),
                            "broadcast 10.9.1.255:9: ok", "unicast 10.9.1.20:9: ok",
                            fmt::format("unicast 192.168.77.7:9: {}", ENETUNREACH),
                            fmt::format("raw ethertype 0x0842 on lan0: {}", EPERM),
                            fmt::format("raw ethertype 0x0842 on lan1: {}", EPERM)));
    EXPECT_THAT(results[0].text, HasSubstr("no route there; say an interface"));
    EXPECT_THAT(results[4].text, HasSubstr("CAP_NET_RAW"));
    EXPECT_THAT(seen(net.lan0),
                ElementsAre("10.9.1.255:9 from 10.9.1.1", "10.9.1.20:9 from 10.9.1.1"));
  });
}

TEST_F(WakePackets, FramesWithoutIpLeaveByEveryNetworkOrTheNamedOne) {
  inside([] {
    TwoNetworks net;
    Wire bare("bare0", "bare1");  // no address: nobody's network unless it is named
    WakePlan plan = plan_for();
    plan.broadcast.push_back(v4("10.9.1.255"));
    plan.raw = true;
    EXPECT_THAT(told(send_packets(plan)),
                ElementsAre("broadcast 10.9.1.255:9: ok", "raw ethertype 0x0842 on lan0: ok",
                            "raw ethertype 0x0842 on lan1: ok"));
    EXPECT_THAT(seen(net.lan0),
                ElementsAre("10.9.1.255:9 from 10.9.1.1", "0x0842 to ff:ff:ff:ff:ff:ff"));
    EXPECT_THAT(seen(net.lan1), ElementsAre("0x0842 to ff:ff:ff:ff:ff:ff"));
    EXPECT_THAT(seen(bare), IsEmpty());
    plan.interface = "bare0";
    EXPECT_THAT(told(send_packets(plan)), Contains("raw ethertype 0x0842 on bare0: ok"));
    EXPECT_THAT(seen(bare), Contains("0x0842 to ff:ff:ff:ff:ff:ff"));
    EXPECT_THAT(seen(net.lan1), IsEmpty());
  });
}

TEST_F(WakePackets, WhatIsNotThereIsSaid) {
  inside([] {
    TwoNetworks net;
    WakePlan nowhere = plan_for();
    nowhere.interface = "eth9";
    nowhere.raw = true;
    const auto no_device = send_packets(nowhere);
    EXPECT_THAT(told(no_device),
                ElementsAre(fmt::format("broadcast 255.255.255.255:9 on eth9: {}", ENODEV),
                            fmt::format("raw ethertype 0x0842 on eth9: {}", ENODEV)));
    EXPECT_THAT(no_device[0].text, HasSubstr("there is no interface eth9 here"));
    WakePlan foreign = plan_for();
    foreign.source = v4("10.9.3.1");
    const auto no_source = send_packets(foreign);
    EXPECT_THAT(
        told(no_source),
        ElementsAre(fmt::format("broadcast 255.255.255.255:9 from 10.9.3.1: {}", EADDRNOTAVAIL)));
    EXPECT_THAT(no_source[0].text, HasSubstr("no interface here has that source address"));
  });
}

TEST_F(WakePackets, AnInterfaceThatIsDownIsLeftOutUnlessItIsNamed) {
  inside([] {
    TwoNetworks net;
    test::ip("link set lan1 down");
    EXPECT_THAT(told(send_packets(plan_for())),
                ElementsAre("broadcast 10.9.1.255:9 on lan0 from 10.9.1.1: ok",
                            "broadcast 255.255.255.255:9 on lan0: ok"));
    WakePlan named = plan_for();
    named.interface = "lan1";
    EXPECT_THAT(send_packets(named), Each(Field(&WakeResult::ok, false)));
    named.raw = true;
    EXPECT_THAT(told(send_packets(named)),
                Contains(fmt::format("raw ethertype 0x0842 on lan1: {}", ENETDOWN)));
  });
}

TEST_F(WakePackets, WithoutANetworkThereIsAnAnswerAllTheSame) {
  inside([] {
    const auto results = send_packets(plan_for());
    EXPECT_THAT(told(results),
                ElementsAre(fmt::format("broadcast 255.255.255.255:9: {}", ENETUNREACH)));
  });
}

TEST_F(WakePackets, ANetworkWithoutABroadcastAddressHasItsLastOne) {
  inside([] {
    Wire pod("eth0", "far0");
    test::ip("addr add 10.244.1.7/24 brd 0.0.0.0 dev eth0");
    test::drop_capabilities();
    EXPECT_THAT(send_packets(plan_for()), Each(Field(&WakeResult::ok, true)));
    EXPECT_THAT(seen(pod), UnorderedElementsAre("10.244.1.255:9 from 10.244.1.7",
                                                "255.255.255.255:9 from 10.244.1.7"));
  });
}

TEST_F(WakePackets, AnAddressWithoutANetworkStillHasItsLink) {
  inside([] {
    Wire pod("eth0", "far0");
    test::ip("addr add 10.244.1.7/32 dev eth0");
    test::drop_capabilities();
    EXPECT_THAT(send_packets(plan_for()), Each(Field(&WakeResult::ok, true)));
    EXPECT_THAT(seen(pod), ElementsAre("255.255.255.255:9 from 10.244.1.7"));
  });
}

TEST_F(WakePackets, EachAddressOfAnInterfaceHasItsNetwork) {
  inside([] {
    Wire lan("eth0", "far0");
    test::ip("addr add 10.9.1.1/24 brd + dev eth0");
    test::ip("addr add 10.9.7.1/24 brd + dev eth0 label eth0:1");
    EXPECT_THAT(send_packets(plan_for()), Each(Field(&WakeResult::ok, true)));
    EXPECT_THAT(seen(lan),
                UnorderedElementsAre("10.9.1.255:9 from 10.9.1.1", "10.9.7.255:9 from 10.9.7.1",
                                     "255.255.255.255:9 from 10.9.1.1"));
  });
}

TEST_F(WakePackets, ToAnAddressThatNobodyAnswersForNothingLeaves) {
  inside([] {
    TwoNetworks net;
    WakePlan plan = plan_for();
    plan.broadcast.push_back(v4("10.9.2.255"));
    plan.unicast.push_back(ip::make_address("10.9.1.20"));
    // The kernel asks who has the address, and takes the packet for sent meanwhile.
    EXPECT_THAT(told(send_packets(plan)), Contains("unicast 10.9.1.20:9: ok"));
    const std::vector<Frame> frames = net.lan0.frames();
    const auto has_type = [](std::uint16_t type) {
      return [type](const Frame& frame) { return frame.ethertype() == type; };
    };
    EXPECT_EQ(std::count_if(frames.begin(), frames.end(), has_type(0x0806)), 1);
    EXPECT_EQ(std::count_if(frames.begin(), frames.end(), has_type(0x0800)), 0);
  });
}

TEST_F(WakePackets, UnicastOverIpv6) {
  inside([] {
    Wire lan("eth0", "far0");
    test::ip("addr add fd00::1/64 dev eth0 nodad");
    test::ip("neigh add fd00::20 lladdr 3c:7c:3f:12:34:56 dev eth0 nud permanent");
    test::ip("neigh add fe80::20 lladdr 3c:7c:3f:12:34:56 dev eth0 nud permanent");
    test::drop_capabilities();
    WakePlan plan = plan_for();
    plan.interface = "eth0";
    plan.unicast = {ip::make_address("fd00::20"), ip::make_address("fe80::20")};
    EXPECT_THAT(told(send_packets(plan)), AllOf(Contains("unicast [fd00::20]:9 on eth0: ok"),
                                                Contains("unicast [fe80::20]:9 on eth0: ok")));
    int found = 0;
    for (const Frame& frame : lan.frames()) {
      const bool is_ours = frame.ethertype() == 0x86dd && find_magic_packet(frame.payload());
      if (is_ours) EXPECT_EQ(frame.to_mac(), kMac);
      found += is_ours ? 1 : 0;
    }
    EXPECT_EQ(found, 2);
  });
}

TEST_F(WakePackets, EveryCardAndEveryPortGetsOneWithThePassword) {
  inside([] {
    Wire lan("eth0", "far0");
    test::ip("addr add 10.9.1.1/24 brd + dev eth0");
    WakePlan plan = plan_for();
    plan.macs.push_back(*MacAddress::parse("3c:7c:3f:12:34:57"));
    plan.ports = {9, 7};
    plan.secureon = *SecureOn::parse("192.168.1.2");
    plan.broadcast.push_back(v4("10.9.1.255"));
    EXPECT_THAT(send_packets(plan), AllOf(SizeIs(4), Each(Field(&WakeResult::ok, true))));
    std::vector<std::string> got;
    for (const Frame& frame : lan.frames()) {
      const auto packet = find_magic_packet(frame.payload());
      if (!packet) continue;
      EXPECT_EQ(frame.payload().size(), 106u);
      EXPECT_EQ(packet->secureon, plan.secureon);
      got.push_back(fmt::format("{} {}", packet->mac.text(), frame.to_port()));
    }
    EXPECT_THAT(got, UnorderedElementsAre("3c:7c:3f:12:34:56 9", "3c:7c:3f:12:34:57 9",
                                          "3c:7c:3f:12:34:56 7", "3c:7c:3f:12:34:57 7"));
  });
}

// --- other programs ------------------------------------------------------------------------------

TEST_F(WakePackets, TcpdumpSeesThemAsTheyAreMeant) {
  const std::string tcpdump = test::program_path("tcpdump");
  if (tcpdump.empty()) ROUSE_SKIP("tcpdump", "it is not installed");
  inside([&tcpdump] {
    Wire lan("eth0", "far0");
    test::ip("addr add 10.9.1.1/24 brd + dev eth0");
    test::ChildProcess watch({tcpdump, "-l", "--immediate-mode", "-nn", "-e", "-x", "-i", "far0",
                              "-c", "2", "udp", "or", "ether", "proto", "0x0842"});
    ASSERT_TRUE(watch.wait_for_output("listening on far0")) << watch.output();
    WakePlan plan = plan_for();
    plan.broadcast.push_back(v4("10.9.1.255"));
    plan.raw = true;
    plan.secureon = *SecureOn::parse("01:23:45:67:89:ab");
    EXPECT_THAT(send_packets(plan), Each(Field(&WakeResult::ok, true)));
    ASSERT_EQ(watch.wait(), 0) << watch.output();
    const std::string text = watch.output();
    EXPECT_THAT(text,
                HasSubstr("> ff:ff:ff:ff:ff:ff, ethertype IPv4 (0x0800), length 150: 10.9.1.1."));
    EXPECT_THAT(text, HasSubstr("> 10.9.1.255.9: UDP, length 108"));
    EXPECT_THAT(text, HasSubstr("> ff:ff:ff:ff:ff:ff, ethertype Unknown (0x0842), length 122"));
    EXPECT_THAT(text, HasSubstr("0x0000:  ffff ffff ffff 3c7c 3f12 3456 3c7c 3f12"));
    EXPECT_THAT(text, HasSubstr("0x0060:  3c7c 3f12 3456 0123 4567 89ab"));
  });
}

TEST_F(WakePackets, WhatEtherwakeSendsIsRecognised) {
  const std::string etherwake = test::program_path("etherwake");
  if (etherwake.empty()) ROUSE_SKIP("etherwake", "it is not installed");
  inside([&etherwake] {
    Wire lan("eth0", "far0");
    const std::vector<std::vector<std::string>> runs = {
        {etherwake, "-i", "eth0", kMac},
        {etherwake, "-i", "eth0", "-b", "-p", "192.168.1.2", kMac},
        {etherwake, "-i", "eth0", "-b", "-p", "01:23:45:67:89:ab", kMac}};
    std::vector<std::optional<SecureOn>> passwords;
    for (const auto& argv : runs) {
      const auto [status, output] = test::run_program(argv);
      EXPECT_EQ(status, 0) << output;
    }
    for (const Frame& frame : lan.frames()) {
      const auto packet = find_magic_packet(frame.bytes);
      if (!packet) continue;
      EXPECT_EQ(packet->mac.text(), kMac);
      passwords.push_back(packet->secureon);
    }
    EXPECT_THAT(passwords, ElementsAre(std::nullopt, *SecureOn::parse("192.168.1.2"),
                                       *SecureOn::parse("01:23:45:67:89:ab")));
  });
}

TEST_F(WakePackets, WhatWakeonlanSendsIsRecognised) {
  const std::string wakeonlan = test::program_path("wakeonlan");
  if (wakeonlan.empty()) ROUSE_SKIP("wakeonlan", "it is not installed");
  inside([&wakeonlan] {
    Wire lan("eth0", "far0");
    test::ip("addr add 10.9.1.1/24 brd + dev eth0");
    const auto [status, output] = test::run_program({wakeonlan, "-i", "10.9.1.255", kMac});
    EXPECT_EQ(status, 0) << output;
    EXPECT_THAT(seen(lan), ElementsAre("10.9.1.255:9 from 10.9.1.1"));
  });
}

}  // namespace
}  // namespace rouse
