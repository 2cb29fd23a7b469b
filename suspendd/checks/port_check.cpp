#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/checks/socket_diag.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace rouse::suspendd {
namespace {

/// Only a connection that was made to us has one of our ports on our side.
class PortLook final : public Check {
 public:
  explicit PortLook(const PortCheck& settings) : settings_(settings) {}

  Task<Finding> look() override { co_return judge(); }

 private:
  [[nodiscard]] Finding judge() const {
    const auto sockets = tcp_sockets(TcpState::Established);
    if (!sockets) return unknown(sockets.error().message());
    std::size_t count = 0;
    const TcpSocket* latest = nullptr;
    for (const TcpSocket& each : *sockets) {
      const auto& ports = settings_.ports;
      if (std::find(ports.begin(), ports.end(), each.local_port) == ports.end()) continue;
      ++count;
      if (latest == nullptr || silence(each) < silence(*latest)) latest = &each;
    }
    if (latest == nullptr) {
      return idle(fmt::format("nobody is connected to port {}", fmt::join(settings_.ports, ", ")));
    }
    std::string who = fmt::format("{} to port {}", count_text(count, "connection"),
                                  fmt::join(settings_.ports, ", "));
    if (settings_.idle.count() == 0) return active(who + ", from " + latest->remote);
    const auto silent = silence(*latest);
    if (silent < settings_.idle) {
      return active(fmt::format("{}, data from {} {} ago, less than {}", who, latest->remote,
                                age_text(silent), age_text(settings_.idle)));
    }
    Finding finding = idle(fmt::format("{}, silent for {}", who, age_text(silent)));
    finding.idle_for = silent;
    return finding;
  }

  /// What is not known is no silence.
  static std::chrono::milliseconds silence(const TcpSocket& socket) {
    return socket.since_received.value_or(std::chrono::milliseconds(0));
  }

  PortCheck settings_;
};

}  // namespace

CheckPtr make_kind(const PortCheck& settings, const CheckConfig&, CheckContext&) {
  if (settings.ports.empty()) return std::make_unique<BrokenCheck>("it names no port");
  return std::make_unique<PortLook>(settings);
}

}  // namespace rouse::suspendd
