#include "tests/fake_logind/fake.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

// fake_logind ADDRESS CONTROL [--systemd-only] [LINE…]: logind and systemd on the message bus at
// ADDRESS, told what to do by the LINEs and over the unix socket CONTROL. Ends with whoever started
// it.

namespace {

int listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return -1;
  path.copy(address.sun_path, path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) < 0 ||
      ::listen(fd, 8) < 0) {
    return -1;
  }
  return fd;
}

/// Serves what came on @p fd; false: it is closed.
bool serve(rouse::test::fake_logind::Fake& fake, int fd, std::string& pending) {
  std::array<char, 65536> buffer{};
  const ssize_t got = ::read(fd, buffer.data(), buffer.size());
  if (got <= 0) return false;
  pending.append(buffer.data(), static_cast<std::size_t>(got));
  for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
    const std::string answer = fake.control(pending.substr(0, end)) + "\n";
    pending.erase(0, end + 1);
    if (::write(fd, answer.data(), answer.size()) != static_cast<ssize_t>(answer.size())) {
      return false;
    }
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const bool systemd_only = argc > 3 && std::string(argv[3]) == "--systemd-only";
  if (argc < 3) {
    std::fprintf(stderr,
                 "usage: fake_logind BUS-ADDRESS CONTROL-SOCKET [--systemd-only] [LINE…]\n");
    return 2;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::signal(SIGPIPE, SIG_IGN);
  rouse::test::fake_logind::Fake fake(argv[1], !systemd_only);
  if (!fake.join()) {
    std::fprintf(stderr, "fake_logind: cannot join the bus at %s\n", argv[1]);
    return 1;
  }
  const int listener = listen_at(argv[2]);
  if (listener < 0) {
    std::perror("fake_logind: the control socket");
    return 1;
  }
  for (int each = systemd_only ? 4 : 3; each < argc; ++each) {
    const std::string answer = fake.control(argv[each]);
    if (answer != "ok") {
      std::fprintf(stderr, "fake_logind: %s: %s\n", argv[each], answer.c_str());
      return 1;
    }
  }
  std::printf("ready\n");
  std::fflush(stdout);

  std::map<int, std::string> clients;
  for (;;) {
    std::vector<int> watched{listener};
    for (const auto& [fd, pending] : clients) watched.push_back(fd);
    for (const int fd : fake.turn(watched)) {
      if (fd == listener) {
        clients[::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)];
      } else if (!serve(fake, fd, clients[fd])) {
        clients.erase(fd);
        ::close(fd);
      }
    }
  }
}
