#pragma once

#include "suspendd/box/root.hpp"
#include "suspendd/checks/check.hpp"
#include "suspendd/checks/socket_diag.hpp"
#include "suspendd/config/config.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rouse::suspendd {

/// Whether `sshd` or `sshd-session` calls itself a session of somebody who has logged in:
/// "sshd: alice@pts/0", "sshd-session: bob@notty"; not "sshd: alice [priv]", "sshd: [accepted]".
[[nodiscard]] bool is_session_title(const std::string& title);
/// Whether it is a server itself, "/usr/sbin/sshd -D" or "sshd: … [listener] 0 of 10-100 startups",
/// and not what serves a connection and may listen for its forwarded ports.
[[nodiscard]] bool is_server_title(const std::string& title);

/// Which connections to an sshd somebody has logged in on, and when something last came over each.
/// Takes sockets and reads /proc; the caller has the sockets from the kernel.
class SshSessions {
 public:
  using Time = std::chrono::steady_clock::time_point;

  SshSessions(const SshCheck& settings, Root root) : settings_(settings), root_(std::move(root)) {}

  /// @p established: all of the machine.
  Finding judge(const std::vector<TcpSocket>& listening, const std::vector<TcpSocket>& established,
                Time now);

 private:
  struct Connection {
    Time first_seen;
    Time used;  ///< when more than signs of life last came
    Time mark;  ///< from which on bytes are counted
    std::uint64_t bytes_at_mark = 0;
    bool logged_in = false;
    bool seen = true;
  };

  void find_ports(const std::vector<TcpSocket>& listening);
  [[nodiscard]] bool wants(std::uint16_t port) const { return ports_.contains(port); }
  Connection& follow(const TcpSocket& socket, Time now);
  void find_logged_in(const std::vector<const TcpSocket*>& strangers, Time now);
  [[nodiscard]] std::string ports_text() const;
  /// The processes in which Tailscale's own server runs a session; it has no sshd and no socket.
  [[nodiscard]] std::size_t tailscale_sessions();

  SshCheck settings_;
  Root root_;
  std::set<std::uint16_t> ports_;
  std::optional<std::set<std::uint32_t>> listeners_;  ///< inodes, when ports_ was found
  std::map<std::uint64_t, Connection> connections_;   ///< by cookie
};

}  // namespace rouse::suspendd
