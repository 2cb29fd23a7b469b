#include "suspendd/box/trap_list.hpp"

#include <array>

namespace rouse::suspendd {
namespace {

/// Octal escapes of mountinfo: "\040" is a blank.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '\\' && i + 3 < text.size();
    if (!is_escape) {
      plain += text[i];
      continue;
    }
    plain +=
        static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return plain;
}

std::string_view take_word(std::string_view& rest) {
  const auto end = rest.find(' ');
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return word;
}

/// A process that waits for such a file system does not freeze while the other side is silent:
/// the other side may be frozen already.
bool is_risky(const std::string& type) {
  constexpr std::array kTypes{"nfs",     "nfs4", "cifs", "smb3", "fuse",
                              "fuseblk", "ceph", "9p",   "afs",  "glusterfs"};
  for (const char* risky : kTypes) {
    if (type == risky) return true;
  }
  return type.starts_with("fuse.");
}

void find_mounts(const Root& root, TrapList& traps) {
  std::string risky;
  std::size_t count = 0;
  for (const Mount& mount : read_mounts(root)) {
    if (!is_risky(mount.type)) continue;
    if (++count <= 5) risky += (count > 1 ? ", " : "") + mount.point + " (" + mount.type + ")";
  }
  if (count > 5) risky += " and " + std::to_string(count - 5) + " more";
  if (count == 0) {
    traps.ok("mounts", "no network or FUSE file system is mounted");
  } else {
    traps.warn("mounts",
               risky +
                   ": a process that waits for one refuses to freeze, and the suspend fails "
                   "after 20 s",
               "unmount it before a suspend (a pre_suspend hook), or mount it on demand");
  }
}

void find_proxy(const Root& root, const TrapContext& context, TrapList& traps) {
  if (!context.has_proxy) {
    traps.warn("proxy", "no proxy is configured: its requests do not keep the machine awake",
               "set proxy.socket");
    return;
  }
  if (!context.proxy_error.empty()) {
    traps.refuse("proxy",
                 "the proxy does not answer, which counts as active: " + context.proxy_error,
                 "start rouse.service, and let the service's user in to its power socket; without "
                 "rouse here, set proxy.socket: none");
    return;
  }
  if (context.proxy_pid <= 0) {
    traps.ok("proxy", "the proxy answers");
    return;
  }
  const auto cgroup = root.read_word("/proc/" + std::to_string(context.proxy_pid) + "/cgroup");
  if (!cgroup) {
    traps.ok("proxy",
             "the proxy answers; where it runs cannot be told: " + cgroup.error().message());
  } else if (cgroup->find("/user.slice") != std::string::npos) {
    traps.warn("proxy",
               "the proxy (pid " + std::to_string(context.proxy_pid) +
                   ") runs in user.slice, which systemd freezes before the machine sleeps: late "
                   "requests would hang instead of being refused",
               "run it as a system service (rouse.service)");
  } else {
    traps.ok("proxy", "the proxy answers and runs outside user.slice");
  }
}

}  // namespace

std::vector<Mount> read_mounts(const Root& root) {
  std::vector<Mount> mounts;
  const auto text = root.read("/proc/self/mountinfo");
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    std::string_view tail = line.substr(dash + 3);
    for (int field = 0; field < 4; ++field) take_word(line);  // id, parent, device, root
    Mount mount;
    mount.point = unescaped(take_word(line));
    mount.type = take_word(tail);
    mounts.push_back(std::move(mount));
  }
  return mounts;
}

void find_service_traps(const Root& root, const TrapContext& context, TrapList& traps) {
  find_mounts(root, traps);
  find_proxy(root, context, traps);
}

}  // namespace rouse::suspendd
