#include "base/service/life_signals.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <utility>

namespace rouse {

namespace {

using namespace std::chrono_literals;

/// From the end of a terminal to the last SIGHUP that it causes: a shell passes its own on.
constexpr auto kHangupTime = 5s;

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

sigset_t all_of_ours() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, signal);
  return signals;
}

std::string name_of(int signal) {
  if (signal == SIGINT) return "SIGINT";
  return signal == SIGTERM ? "SIGTERM" : "SIGHUP";
}

}  // namespace

LifeSignals::LifeSignals(Executor executor)
    : signals_(executor), terminal_(executor), disowned_(executor) {}

void LifeSignals::keep_for_watch() {
  const sigset_t signals = all_of_ours();
  if (::getpid() == 1) ::sigprocmask(SIG_BLOCK, &signals, nullptr);
}

void LifeSignals::watch(Heard heard) {
  heard_ = std::move(heard);
  // nohup ignores it: whoever starts us so wants us to outlive the terminal.
  if (!is_ignored(SIGHUP)) watch_terminal();
  boost::system::error_code ignored;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) signals_.add(signal, ignored);
  wait();
  const sigset_t signals = all_of_ours();
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
}

void LifeSignals::stop() {
  boost::system::error_code ignored;
  heard_ = nullptr;
  signals_.cancel(ignored);
  terminal_.close(ignored);
  disowned_.cancel();
}

void LifeSignals::wait() {
  signals_.async_wait([this](const boost::system::error_code& failed, int signal) {
    // A signal that was on its way when stop() came must not begin another wait, which nobody ends.
    if (failed || !heard_) return;
    wait();
    hear(signal);
  });
}

void LifeSignals::hear(int signal) {
  if (!heard_) return;
  if (signal != SIGHUP) return heard_(Request::End, name_of(signal));
  if (!terminal_is_gone()) return heard_(Request::Reload, name_of(signal));
  heard_(Request::Close, "the terminal has closed (SIGHUP)");
}

/// One that closes without a SIGHUP for us has let us go (a shell's disown): later ones are meant
/// as they are.
void LifeSignals::watch_terminal() {
  UniqueFd fd(::open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return;
  boost::system::error_code failed;
  terminal_.assign(fd.get(), failed);
  if (failed) return;
  [[maybe_unused]] const int owned = fd.release();
  terminal_.async_wait(Descriptor::wait_error, [this](const boost::system::error_code& error) {
    if (error) return;
    disowned_.expires_after(kHangupTime);
    disowned_.async_wait([this](const boost::system::error_code& cancelled) {
      boost::system::error_code ignored;
      if (!cancelled) terminal_.close(ignored);
    });
  });
}

bool LifeSignals::terminal_is_gone() const {
  if (!terminal_.is_open()) return false;
  pollfd entry{const_cast<Descriptor&>(terminal_).native_handle(), 0, 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace rouse
