#pragma once

#include "base/http/message.hpp"
#include "base/net/own_names.hpp"
#include "base/text/sha256.hpp"
#include "base/wake/plan.hpp"
#include "suspendd/relay/server.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rouse::suspendd {

/// What a relay does for whom; made from its options by relay_rules().
struct RelayRules {
  std::optional<Sha256> token;
  OwnNames names;                ///< this host's; without a token it is asked for by no other
  std::vector<MacAddress> macs;  ///< empty: any
  WakePlan plan;                 ///< the ways out; the rest comes with each request
  int packets_per_minute = 600;
};

/// What is wrong with @p options goes to @p problems, one line each; no token is shown.
[[nodiscard]] RelayRules relay_rules(const RelayOptions& options,
                                     std::vector<std::string>& problems);

/// What a client asks for.
struct RelayRequest {
  std::vector<MacAddress> macs;
  std::vector<boost::asio::ip::address_v4> broadcast;
  std::vector<std::uint16_t> ports;
  std::optional<SecureOn> secureon;
};

/// Reads the body of POST /v1/wake. The error says what is wrong with which member.
[[nodiscard]] Result<RelayRequest> parse_relay_request(std::string_view body);

struct RelayAnswer {
  int status = 200;
  std::string body;
  Fields fields;    ///< beyond Content-Type
  std::string log;  ///< a line for the log; empty: none
};

/// Decides on requests to a relay and sends their packets. Single thread; never waits.
class RelayService {
 public:
  using Clock = std::chrono::steady_clock;

  RelayService(RelayRules rules, Clock::time_point now);

  /// An answer that needs no body to be read: refusals, and GET /health. nullopt: answer() has it.
  [[nodiscard]] std::optional<RelayAnswer> refusal(const RequestHead& head, Clock::time_point now);
  /// POST /v1/wake with @p body, after refusal() had none.
  [[nodiscard]] RelayAnswer answer(std::string_view body, Clock::time_point now);

 private:
  [[nodiscard]] bool is_known(const RequestHead& head) const;
  void refill(Clock::time_point now);

  RelayRules rules_;
  double allowance_;  ///< packets that may be sent now; what was sent beyond it is owed
  Clock::time_point filled_at_;
};

}  // namespace rouse::suspendd
