#include "suspendd/checks/ssh_sessions.hpp"

#include "base/http/message.hpp"
#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/process_list.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

namespace rouse::suspendd {
namespace {

constexpr std::uint16_t kUsualPort = 22;
/// sshd hangs up on a client that has not logged in within LoginGraceTime, two minutes by default.
constexpr std::chrono::seconds kLoginGrace{150};
/// Signs of life of a client (ServerAliveInterval, replies to ClientAliveInterval) are some 60
/// bytes each; a person who types, or anything that is copied, makes more of them in a minute.
constexpr std::uint64_t kBytesOfUse = 512;
constexpr std::chrono::seconds kUseTime{60};

std::string title_of(const Root& root, int pid) {
  std::string title = fmt::format("{}", fmt::join(process_command(root, pid), " "));
  // sshd pads the place of its arguments with NULs.
  while (!title.empty() && title.back() == ' ') title.pop_back();
  return title;
}

/// What sshd's configuration says, for where we may not see whose a socket is. Of its includes only
/// the usual folder is read.
std::set<std::uint16_t> configured_ports(const Root& root) {
  std::vector<std::string> files{"/etc/ssh/sshd_config"};
  for (const std::string& name : root.list("/etc/ssh/sshd_config.d")) {
    if (name.ends_with(".conf")) files.push_back("/etc/ssh/sshd_config.d/" + name);
  }
  std::set<std::uint16_t> ports;
  for (const std::string& file : files) {
    const auto text = root.read(file);
    std::string_view rest = text ? std::string_view(*text) : std::string_view();
    while (!rest.empty()) {
      std::string_view line = next_line(rest);
      const std::string_view key = next_word(line);
      const auto port = whole_number(next_word(line));
      if (equal_without_case(key, "port") && port && *port > 0 && *port <= 65535) {
        ports.insert(static_cast<std::uint16_t>(*port));
      }
    }
  }
  return ports;
}

bool is_sshd(std::string_view comm) {
  return comm == "sshd" || comm == "sshd-session";
}

}  // namespace

bool is_session_title(const std::string& title) {
  constexpr std::string_view kNames[] = {"sshd: ", "sshd-session: "};
  for (const std::string_view name : kNames) {
    if (!title.starts_with(name)) continue;
    const std::string_view rest = std::string_view(title).substr(name.size());
    const std::size_t at = rest.find('@');
    return at != std::string_view::npos && at > 0 && rest.find(" [") == std::string_view::npos;
  }
  return false;
}

bool is_server_title(const std::string& title) {
  return !title.starts_with("sshd: ") || title.find("[listener]") != std::string::npos;
}

Finding SshSessions::judge(const std::vector<TcpSocket>& listening,
                           const std::vector<TcpSocket>& established, Time now) {
  find_ports(listening);
  for (auto& [cookie, each] : connections_) each.seen = false;
  std::vector<const TcpSocket*> strangers;
  for (const TcpSocket& socket : established) {
    if (wants(socket.local_port) && !follow(socket, now).logged_in) strangers.push_back(&socket);
  }
  std::erase_if(connections_, [](const auto& each) { return !each.second.seen; });
  if (!strangers.empty()) find_logged_in(strangers, now);

  std::size_t logged_in = 0;
  const TcpSocket* latest = nullptr;
  for (const TcpSocket& socket : established) {
    const auto it = connections_.find(socket.cookie);
    if (it == connections_.end() || !it->second.logged_in) continue;
    ++logged_in;
    if (latest == nullptr || it->second.used > connections_.at(latest->cookie).used) {
      latest = &socket;
    }
  }
  const std::size_t tailscale = tailscale_sessions();
  if (latest != nullptr) {
    const auto silent = std::chrono::duration_cast<std::chrono::milliseconds>(
        now - connections_.at(latest->cookie).used);
    const std::string who = count_text(logged_in, "ssh connection");
    if (silent < settings_.idle) {
      return active(fmt::format("{}, used {} ago from {}, less than {}", who, age_text(silent),
                                latest->remote, age_text(settings_.idle)));
    }
    if (tailscale == 0) {
      Finding finding = idle(fmt::format("{}, silent for {}", who, age_text(silent)));
      finding.idle_for = silent;
      return finding;
    }
  }
  if (tailscale > 0) return active(count_text(tailscale, "session") + " over Tailscale SSH");
  if (!connections_.empty()) {
    return idle(fmt::format("{} to {}, nobody logged in",
                            count_text(connections_.size(), "connection"), ports_text()));
  }
  return idle("no ssh connection to " + ports_text());
}

/// To find out whose the listening sockets are takes a walk through /proc, so that is done again
/// only when they have changed.
void SshSessions::find_ports(const std::vector<TcpSocket>& listening) {
  if (!settings_.ports.empty()) {
    ports_.insert(settings_.ports.begin(), settings_.ports.end());
    return;
  }
  std::set<std::uint32_t> inodes;
  for (const TcpSocket& each : listening) inodes.insert(each.inode);
  if (listeners_ == inodes) return;
  listeners_ = std::move(inodes);
  ports_.clear();
  for (const int pid : process_ids(root_)) {
    if (process_comm(root_, pid) != "sshd" || !is_server_title(title_of(root_, pid))) continue;
    const auto held = process_sockets(root_, pid);
    for (const TcpSocket& each : listening) {
      if (held && held->contains(each.inode)) ports_.insert(each.local_port);
    }
  }
  if (ports_.empty()) ports_ = configured_ports(root_);
  if (ports_.empty()) ports_.insert(kUsualPort);
}

SshSessions::Connection& SshSessions::follow(const TcpSocket& socket, Time now) {
  const auto [it, is_new] = connections_.try_emplace(socket.cookie);
  Connection& connection = it->second;
  connection.seen = true;
  const auto silent = socket.since_received.value_or(std::chrono::milliseconds(0));
  if (is_new) {
    connection.first_seen = now - silent;
    connection.used = now - silent;
    connection.mark = now;
    connection.bytes_at_mark = socket.bytes_received;
  } else if (socket.bytes_received - connection.bytes_at_mark >= kBytesOfUse) {
    connection.used = now - silent;
    connection.mark = now;
    connection.bytes_at_mark = socket.bytes_received;
  } else if (now - connection.mark >= kUseTime) {
    connection.mark = now;
    connection.bytes_at_mark = socket.bytes_received;
  }
  return connection;
}

/// Scanners connect, too, and hold their connections. Told apart by the process that has the
/// socket; where we may not see that, by whether anybody at all has logged in; and in any case by
/// sshd's own patience.
void SshSessions::find_logged_in(const std::vector<const TcpSocket*>& strangers, Time now) {
  std::set<std::uint32_t> inodes;
  bool hidden_session = false;
  for (const int pid : process_ids(root_)) {
    if (!is_sshd(process_comm(root_, pid)) || !is_session_title(title_of(root_, pid))) continue;
    const auto held = process_sockets(root_, pid);
    if (held) {
      inodes.insert(held->begin(), held->end());
    } else {
      hidden_session = true;
    }
  }
  for (const TcpSocket* each : strangers) {
    Connection& connection = connections_.at(each->cookie);
    connection.logged_in =
        hidden_session || inodes.contains(each->inode) || now - connection.first_seen > kLoginGrace;
  }
}

std::string SshSessions::ports_text() const {
  return fmt::format("port {}", fmt::join(ports_, ", "));
}

std::size_t SshSessions::tailscale_sessions() {
  // Its service's own cgroup lists few processes; a session that logind knows has left it, and is
  // seen by `sessions`.
  const auto pids = root_.read("/sys/fs/cgroup/system.slice/tailscaled.service/cgroup.procs");
  if (!pids) return 0;
  std::size_t count = 0;
  std::string_view rest = *pids;
  while (!rest.empty()) {
    const auto pid = whole_number(next_line(rest));
    if (!pid) continue;
    const auto words = process_command(root_, static_cast<int>(*pid));
    if (words.size() >= 3 && words[1] == "be-child" && words[2] == "ssh") ++count;
  }
  return count;
}

}  // namespace rouse::suspendd
