#pragma once

#include "base/result.hpp"

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace rouse {

/// Who is at the other end of a unix socket, as the kernel vouches for it.
struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = 0;
  std::set<gid_t> groups;  ///< the primary one and the others

  /// SO_PEERCRED and SO_PEERGROUPS of @p socket.
  [[nodiscard]] static Result<PeerCredentials> of(int socket);
};

/// The process at the other end of @p socket; 0: not known, or systemd, which only made the socket
/// that it listens on.
[[nodiscard]] int peer_pid(int socket);

/// The user at the other end of @p socket; one that is nobody's where the kernel does not tell.
[[nodiscard]] uid_t peer_user(int socket);

/// Who may command a daemon by its unix socket: root, the user that we run as, the one of
/// rouse-suspendd's package, and whoever is configured.
class PeerAllowList {
 public:
  /// Names or numbers. What does not exist on this machine is in unknown().
  PeerAllowList(const std::vector<std::string>& users, const std::vector<std::string>& groups);

  [[nodiscard]] bool allows(const PeerCredentials& peer) const;
  [[nodiscard]] const std::vector<std::string>& unknown() const { return unknown_; }

 private:
  std::set<uid_t> users_;
  std::set<gid_t> groups_;
  std::vector<std::string> unknown_;
};

}  // namespace rouse
