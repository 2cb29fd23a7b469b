#pragma once

#include "base/async/task.hpp"
#include "base/posix.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace rouse {

/// Decides what a signal asks of a program of ours. SIGINT and SIGTERM: to end. SIGHUP: to read its
/// configuration again, unless it is what the kernel or a shell says when the terminal closes in
/// which the program was started: then there is nobody left to end it, so it ends. Under a service
/// manager or nohup it is always the configuration. Single thread.
class LifeSignals {
 public:
  enum class Request {
    End,
    Close,  ///< to end, too, as the terminal has closed; may come more than once
    Reload,
  };
  /// @p what: the signal in words, for the log.
  using Heard = std::function<void(Request request, const std::string& what)>;

  explicit LifeSignals(Executor executor);

  /// Call it first in a program. As the first process of a container we would lose what comes
  /// before watch(), since the kernel ends no such process by a signal; so there they wait for it.
  static void keep_for_watch();

  /// From now on @p heard is called for each of them; before, they end the program by themselves.
  void watch(Heard heard);
  /// No further calls. The signals stay taken, and do nothing.
  void stop();

 private:
  using Signals = asio::basic_signal_set<Executor>;
  using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
  using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;

  void wait();
  void hear(int signal);
  void watch_terminal();
  [[nodiscard]] bool terminal_is_gone() const;

  Signals signals_;
  Descriptor terminal_;  // closed: there is none, or it went long ago without ending us
  Timer disowned_;
  Heard heard_;
};

}  // namespace rouse
