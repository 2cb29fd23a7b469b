#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/checks/socket_diag.hpp"
#include "suspendd/checks/ssh_sessions.hpp"

namespace rouse::suspendd {
namespace {

class SshLook final : public Check {
 public:
  SshLook(const SshCheck& settings, CheckContext& context)
      : context_(context), sessions_(settings, context.root) {}

  Task<Finding> look() override { co_return judge(); }

 private:
  Finding judge() {
    const auto listening = tcp_sockets(TcpState::Listening);
    if (!listening) return unknown(listening.error().message());
    const auto established = tcp_sockets(TcpState::Established);
    if (!established) return unknown(established.error().message());
    return sessions_.judge(*listening, *established, context_.now());
  }

  CheckContext& context_;
  SshSessions sessions_;
};

}  // namespace

CheckPtr make_kind(const SshCheck& settings, const CheckConfig&, CheckContext& context) {
  return std::make_unique<SshLook>(settings, context);
}

}  // namespace rouse::suspendd
