#include "base/net/peer_credentials.hpp"

#include "base/posix.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace rouse {

namespace {

template <class Id>
std::optional<Id> number(const std::string& text) {
  Id id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return id;
}

}  // namespace

Result<PeerCredentials> PeerCredentials::of(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return errno_error("asking who is at the other end of a unix socket");
  }
  PeerCredentials peer{credentials.pid, credentials.uid, {credentials.gid}};
  // 65536 groups are the kernel's limit; without the option (before Linux 4.13) the first one does.
  std::vector<gid_t> groups(65536);
  size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0) {
    groups.resize(size / sizeof(gid_t));
    peer.groups.insert(groups.begin(), groups.end());
  }
  return peer;
}

int peer_pid(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return 0;
  return credentials.pid == 1 ? 0 : credentials.pid;
}

uid_t peer_user(int socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  const bool is_told = ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0;
  return is_told ? credentials.uid : static_cast<uid_t>(-1);
}

PeerAllowList::PeerAllowList(const std::vector<std::string>& users,
                             const std::vector<std::string>& groups)
    : users_{0, ::geteuid()} {
  if (const passwd* const daemon = ::getpwnam("rouse-suspendd")) users_.insert(daemon->pw_uid);
  for (const std::string& name : users) {
    if (const passwd* const entry = ::getpwnam(name.c_str())) {
      users_.insert(entry->pw_uid);
    } else if (const auto uid = number<uid_t>(name)) {
      users_.insert(*uid);
    } else {
      unknown_.push_back("user " + name);
    }
  }
  for (const std::string& name : groups) {
    if (const group* const entry = ::getgrnam(name.c_str())) {
      groups_.insert(entry->gr_gid);
    } else if (const auto gid = number<gid_t>(name)) {
      groups_.insert(*gid);
    } else {
      unknown_.push_back("group " + name);
    }
  }
}

bool PeerAllowList::allows(const PeerCredentials& peer) const {
  if (users_.contains(peer.uid)) return true;
  return std::any_of(peer.groups.begin(), peer.groups.end(),
                     [this](gid_t gid) { return groups_.contains(gid); });
}

}  // namespace rouse
