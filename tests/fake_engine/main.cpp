#include "tests/fake_engine/connection.hpp"

#include <CLI/CLI.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

namespace {

using fake_engine::Options;
using fake_engine::World;

std::string memory_file;

void forget_memory() {
  if (!memory_file.empty()) ::unlink(memory_file.c_str());
}

int listen_on(const Options& options) {
  const bool unix_socket = !options.unix_path.empty();
  const int fd = ::socket(unix_socket ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int bound = -1;
  if (unix_socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, options.unix_path.c_str(), sizeof address.sun_path - 1);
    bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else {
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(options.port));
    ::inet_pton(AF_INET, options.host.c_str(), &address.sin_addr);
    bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  if (bound != 0 || ::listen(fd, 4096) != 0) {
    std::fprintf(stderr, "0.00.001.000 E srv  couldn't bind HTTP server socket, port: %d: %s\n",
                 options.port, std::strerror(errno));
    std::exit(1);
  }
  return fd;
}

/// A process that the engine leaves behind: in its group, or in a session of its own.
void leave_process(bool own_session) {
  const pid_t child = ::fork();
  if (child != 0) return;
  ::signal(SIGTERM, SIG_IGN);
  if (own_session) {
    ::setsid();
    if (::fork() != 0) std::_Exit(0);
  }
  for (int i = 0; i < 600; ++i) ::poll(nullptr, 0, 1000);  // ends by itself in the end
  std::_Exit(0);
}

void flood(long bytes) {
  const std::string line(120, 'x');
  for (long written = 0; written < bytes; written += 121)
    std::fprintf(stderr, "%s\n", line.c_str());
}

void add_options(CLI::App& cli, Options& o, int& exit_status) {
  cli.add_option("--name", o.name);
  cli.add_option("-m,--model", o.model_file)->check(CLI::ExistingFile);
  cli.add_option("--host", o.host);
  cli.add_option("--port", o.port);
  cli.add_option("--unix", o.unix_path);
  cli.add_option("--load-ms", o.load_ms);
  cli.add_flag("--refuse-while-loading", o.refuse_while_loading);
  cli.add_option("--health-sequence", o.health_sequence)->delimiter(',');
  cli.add_option("--tokens", o.tokens);
  cli.add_option("--tps", o.tps);
  cli.add_option("--prefill-ms", o.prefill_ms);
  cli.add_flag("--head-first", o.head_first);
  cli.add_option("--text", o.text);
  cli.add_option("--stream-file", o.stream_file)->check(CLI::ExistingFile);
  cli.add_option("--split", o.split);
  cli.add_option("--stall-at", o.stall_at)->delimiter(',');
  cli.add_option("--stall-ms", o.stall_ms);
  cli.add_option("--end-ms", o.end_ms);
  cli.add_option("--slots", o.slots);
  cli.add_option("-c,--ctx-size", o.context);
  cli.add_option("--props", o.props_file)->check(CLI::ExistingFile);
  cli.add_flag("--hang-props", o.hang_props);
  cli.add_option("--slot-save-path", o.slot_save_path);
  cli.add_option("--memory-mb", o.memory_mb);
  cli.add_option("--memory-dir", o.memory_dir);
  cli.add_option("--record", o.record);
  cli.add_option("--crash-at-start", o.crash_at_start);
  cli.add_option("--crash-while-loading", o.crash_while_loading_ms);
  cli.add_option("--crash-mid-stream", o.crash_mid_stream);
  cli.add_option("--crash-at-request", o.crash_at_request);
  cli.add_flag("--hang", o.hang);
  cli.add_flag("--hang-health", o.hang_health);
  cli.add_flag("--lie-health", o.lie_health);
  cli.add_flag("--ignore-sigterm", o.ignore_sigterm);
  cli.add_flag("--quick-sigterm", o.quick_sigterm);
  cli.add_flag("--double-fork", o.double_fork);
  cli.add_flag("--leave-worker", o.leave_worker);
  cli.add_option("--log-flood", o.log_flood);
  cli.add_flag("--bad-status", o.bad_status);
  cli.add_flag("--bad-chunk", o.bad_chunk);
  cli.add_flag("--strict-type", o.strict_type);
  cli.add_flag("--truncate-body", o.truncate_body);
  cli.add_flag("--close-after-head", o.close_after_head);
  cli.add_option("--slow-stop", o.slow_stop_ms);
  cli.add_option("--exit-status", exit_status);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App cli{"an engine that behaves as a test wants it to"};
  Options options;
  int crash_status = 1;
  add_options(cli, options, crash_status);
  CLI11_PARSE(cli, argc, argv);
  if (options.crash_at_start >= 0) {
    std::fprintf(stderr, "0.00.000.500 E srv  failed to load model: told to crash\n");
    return options.crash_at_start;
  }
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  if (options.double_fork) leave_process(true);
  if (options.leave_worker) leave_process(false);
  if (options.log_flood > 0) flood(options.log_flood);
  if (!options.memory_dir.empty()) {
    memory_file = options.memory_dir + "/" + std::to_string(::getpid());
    std::ofstream(memory_file) << options.name << ' ' << options.memory_mb << '\n';
    std::atexit(forget_memory);
  }
  // It crashes while it loads, not after.
  if (options.crash_while_loading_ms >= 0)
    options.load_ms = options.crash_while_loading_ms + 60'000;
  static World world(options);
  std::thread(fake_engine::stop_on_signals, std::ref(world)).detach();
  if (options.crash_while_loading_ms >= 0) {
    std::thread([ms = options.crash_while_loading_ms, crash_status] {
      ::poll(nullptr, 0, ms);
      std::fprintf(stderr, "0.00.900.000 E srv  failed to load model: out of memory\n");
      std::_Exit(crash_status);
    }).detach();
  }
  if (options.refuse_while_loading) ::poll(nullptr, 0, options.load_ms);
  const int listener = listen_on(options);
  std::fprintf(stderr, "0.00.002.000 I srv  listening on %s:%d\n", options.host.c_str(),
               options.port);
  for (;;) {
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    std::thread(fake_engine::serve, fd, std::ref(world)).detach();
  }
}
