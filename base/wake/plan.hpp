#pragma once

#include "base/http/message.hpp"
#include "base/net/endpoint.hpp"
#include "base/wake/magic_packet.hpp"

#include <boost/asio/ip/address.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rouse {

/// A `rouse-suspendd relay` on the machine's own network, which sends the packets for us.
struct WakeRelay {
  Endpoint url;  ///< without /v1/wake
  std::string token;
};

/// A request to something else that can switch the machine on: a BMC, a home automation.
struct WakeHook {
  std::string method = "POST";
  Endpoint url;
  std::string target = "/";  ///< path and query
  Fields headers;
  std::string body;
};

/// How one machine is woken. Every path that is configured is used at once; without any, magic
/// packets are broadcast on the network of every interface that can.
struct WakePlan {
  std::vector<MacAddress> macs;  ///< of all its cards: which one listens need not be known
  bool broadcasts = true;        ///< false: only by the other paths
  std::vector<boost::asio::ip::address_v4> broadcast;  ///< empty: that of the interfaces
  std::vector<std::uint16_t> ports{9};
  std::string interface;                              ///< packets leave by this one
  std::optional<boost::asio::ip::address_v4> source;  ///< and from this address
  std::optional<SecureOn> secureon;
  bool raw = false;                               ///< also frames of ethertype 0x0842
  std::vector<boost::asio::ip::address> unicast;  ///< also to these addresses
  std::optional<WakeRelay> relay;
  std::optional<WakeHook> hook;
  std::vector<std::string> command;  ///< no shell; WAKE_MACS has the addresses, with blanks between
  std::chrono::milliseconds command_timeout{30'000};

  /// Whether there is anything to send: not while the addresses are still to be learned.
  [[nodiscard]] bool has_path() const {
    return !macs.empty() || hook.has_value() || !command.empty();
  }
};

}  // namespace rouse
