#pragma once

#include "tests/support/http_probe.hpp"

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace rouse::test {

inline constexpr const char* kBoxMac = "3c:7c:3f:12:34:56";
inline constexpr const char* kBoxIp = "10.9.1.2";
inline constexpr std::uint16_t kBoxPort = 8080;

/// How many times a frame holds the pattern that wakes the card @p mac; written apart from the code
/// that makes it. 0 where a card would not look: neither UDP nor ethertype 0x0842.
[[nodiscard]] int wakes_card(const std::string& frame, const std::string& mac);

/// A network of two: this process is in the front's namespace, the box has one of its own, and all
/// frames go through a thread of the test, which is the cable and the box's card. Made inside
/// NetnsTest::inside().
class PeerNet {
 public:
  PeerNet();
  ~PeerNet();
  PeerNet(const PeerNet&) = delete;
  PeerNet& operator=(const PeerNet&) = delete;

  /// What @p work starts and opens is in the box.
  void in_box(const std::function<void()>& work) const;

  /// Stops these processes dead and takes the box off the network; its card listens, and wakes it
  /// at the packet number @p nth.
  void sleep(std::vector<pid_t> processes, int nth = 1);
  /// As its power button does.
  void wake();
  [[nodiscard]] bool asleep() const { return asleep_; }
  /// Wakes, and its processes go on only at go_on().
  void wakes_late(bool late) { late_ = late; }
  void go_on();

  /// Magic packets for its card since the last forget_packets().
  [[nodiscard]] int packets() const { return packets_; }
  [[nodiscard]] ProbeClock::time_point first_packet_at() const { return first_packet_at_; }
  void forget_packets() { packets_ = 0; }

  /// Loses all that belongs to a connection on which the front has sent @p text.
  void lose_connections_with(std::string text);
  [[nodiscard]] int lost_connections() const { return lost_connections_; }

 private:
  struct End {
    int fd = -1;  // a packet socket at the far end of its eth0
  };
  void run();
  void carry(const End& from, const End& to);
  [[nodiscard]] bool is_lost(const std::string& frame, bool from_front);
  void saw_packet(int count);

  int front_ns_ = -1;
  int box_ns_ = -1;
  End front_;
  End box_;
  int stop_ = -1;  // an eventfd

  std::atomic<bool> asleep_ = false;
  std::atomic<bool> late_ = false;
  std::atomic<int> packets_ = 0;
  std::atomic<int> lost_connections_ = 0;
  int missing_ = 0;               // packets that it does not hear yet; written while awake
  std::vector<pid_t> processes_;  // the same
  std::atomic<ProbeClock::time_point> first_packet_at_{};
  std::mutex lose_;
  std::string lose_text_;
  std::vector<std::uint16_t> lose_ports_;
  std::thread thread_;
};

}  // namespace rouse::test
