#include "suspendd/checks/socket_diag.hpp"

#include "base/posix.hpp"

#include <boost/system/errc.hpp>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace rouse::suspendd {
namespace {

constexpr const char* kDoing = "asking the kernel for its TCP sockets";
/// include/net/tcp_states.h
constexpr std::uint32_t kEstablished = 1U << 1;
constexpr std::uint32_t kListen = 1U << 10;

Error malformed() {
  return Error{make_error_code(boost::system::errc::bad_message), kDoing};
}

std::string address_text(const inet_diag_sockid& id, int family) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const __be32* words = id.idiag_dst;
  // IPv4 on an IPv6 socket: ::ffff:a.b.c.d
  const bool is_mapped =
      family == AF_INET6 && words[0] == 0 && words[1] == 0 && words[2] == htonl(0xffff);
  if (is_mapped) words += 3;
  if (::inet_ntop(is_mapped ? AF_INET : family, words, text.data(), text.size()) == nullptr) {
    return {};
  }
  return text.data();
}

/// The attributes behind the message; only INET_DIAG_INFO is wanted. An older kernel's tcp_info is
/// shorter.
void read_attributes(const char* at, std::size_t left, TcpSocket& socket) {
  while (left >= sizeof(rtattr)) {
    rtattr head{};
    std::memcpy(&head, at, sizeof head);
    if (head.rta_len < sizeof head || head.rta_len > left) return;
    if (head.rta_type == INET_DIAG_INFO) {
      tcp_info info{};
      const std::size_t size = std::min(head.rta_len - sizeof head, sizeof info);
      std::memcpy(&info, at + sizeof head, size);
      if (size >= offsetof(tcp_info, tcpi_last_data_recv) + sizeof info.tcpi_last_data_recv) {
        socket.since_received = std::chrono::milliseconds(info.tcpi_last_data_recv);
      }
      socket.bytes_received = info.tcpi_bytes_received;
    }
    const std::size_t step = std::min<std::size_t>((head.rta_len + 3U) & ~std::size_t{3}, left);
    at += step;
    left -= step;
  }
}

Result<void> read_socket(const char* bytes, std::size_t size, std::vector<TcpSocket>& found) {
  inet_diag_msg message{};
  if (size < sizeof message) return malformed();
  std::memcpy(&message, bytes, sizeof message);
  TcpSocket socket;
  socket.cookie =
      std::uint64_t{message.id.idiag_cookie[1]} << 32 | std::uint64_t{message.id.idiag_cookie[0]};
  socket.inode = message.idiag_inode;
  socket.local_port = ntohs(message.id.idiag_sport);
  socket.remote = address_text(message.id, message.idiag_family);
  read_attributes(bytes + sizeof message, size - sizeof message, socket);
  found.push_back(std::move(socket));
  return {};
}

Result<void> request(int fd, std::uint8_t family, std::uint32_t states, std::uint8_t extensions) {
  struct {
    nlmsghdr head;
    inet_diag_req_v2 body;
  } message{};
  message.head.nlmsg_len = sizeof message;
  message.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  message.body.sdiag_family = family;
  message.body.sdiag_protocol = IPPROTO_TCP;
  message.body.idiag_ext = extensions;
  message.body.idiag_states = states;
  if (::send(fd, &message, sizeof message, 0) < 0) return errno_error(kDoing);
  return {};
}

Result<void> dump(int fd, std::uint8_t family, TcpState state, std::vector<TcpSocket>& found) {
  const bool is_listening = state == TcpState::Listening;
  constexpr std::uint8_t kInfo = 1U << (INET_DIAG_INFO - 1);
  const Result<void> asked =
      request(fd, family, is_listening ? kListen : kEstablished, is_listening ? 0 : kInfo);
  if (!asked) return asked.error();
  alignas(nlmsghdr) static thread_local std::array<char, 32 * 1024> buffer;
  for (;;) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno_error(kDoing);
    if (static_cast<std::size_t>(got) > buffer.size()) return malformed();
    const Result<bool> more = read_diag_answer(buffer.data(), static_cast<std::size_t>(got), found);
    if (!more) return more.error();
    if (!*more) return {};
  }
}

}  // namespace

Result<bool> read_diag_answer(const char* bytes, std::size_t size, std::vector<TcpSocket>& found) {
  while (size >= sizeof(nlmsghdr)) {
    nlmsghdr head{};
    std::memcpy(&head, bytes, sizeof head);
    if (head.nlmsg_len < sizeof head || head.nlmsg_len > size) return malformed();
    const char* const payload = bytes + sizeof head;
    const std::size_t length = head.nlmsg_len - sizeof head;
    if (head.nlmsg_type == NLMSG_ERROR || head.nlmsg_type == NLMSG_DONE) {
      int code = 0;
      if (length >= sizeof code) std::memcpy(&code, payload, sizeof code);
      if (code < 0) {
        return Error{boost::system::error_code(-code, boost::system::system_category()), kDoing};
      }
      return false;
    }
    if (head.nlmsg_type == SOCK_DIAG_BY_FAMILY) {
      const Result<void> read = read_socket(payload, length, found);
      if (!read) return read.error();
    }
    const std::size_t step = std::min<std::size_t>((head.nlmsg_len + 3U) & ~std::size_t{3}, size);
    bytes += step;
    size -= step;
  }
  return true;
}

Result<std::vector<TcpSocket>> tcp_sockets(TcpState state) {
  const UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd) return errno_error(kDoing);
  std::vector<TcpSocket> found;
  const Result<void> four = dump(fd.get(), AF_INET, state, found);
  if (!four) return four.error();
  const Result<void> six = dump(fd.get(), AF_INET6, state, found);
  // A kernel booted without IPv6 has no such sockets.
  if (!six && six.error().code != boost::system::errc::no_such_file_or_directory) {
    return six.error();
  }
  return found;
}

}  // namespace rouse::suspendd
