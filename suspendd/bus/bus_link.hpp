#pragma once

#include "base/async/task.hpp"
#include "base/result.hpp"
#include "suspendd/bus/bus.hpp"

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

struct sd_bus;

namespace rouse::suspendd {

/// One sd-bus connection, from its start to its loss, driven by the loop: libsystemd says what it
/// waits for (a descriptor and a time), we wait and let it work. Its socket never blocks us.
class BusLink {
 public:
  /// Begins to connect; "unix:path=…".
  static Result<std::unique_ptr<BusLink>> open(Executor executor, const std::string& address);
  ~BusLink();
  BusLink(const BusLink&) = delete;
  BusLink& operator=(const BusLink&) = delete;

  [[nodiscard]] sd_bus* get() const { return bus_; }
  /// After something was queued for sending.
  void kick();

  /// Works until the connection is lost, or the caller is cancelled. @p on_ready is called once,
  /// when the bus has let us in. The answer says why the connection was lost; zero: cancelled.
  Task<boost::system::error_code> serve(std::function<void()> on_ready);

 private:
  /// What handlers on the loop use; they may come after the link has gone.
  struct Waker {
    explicit Waker(const Executor& executor) : descriptor(executor), bell(executor) {}
    asio::posix::basic_stream_descriptor<Executor> descriptor;
    BusTimer bell;
    bool kicked = false;
    bool reading = false;
    bool writing = false;
  };

  explicit BusLink(const Executor& executor);
  boost::system::error_code work();
  boost::system::error_code arm();
  boost::system::error_code watch(int fd);

  sd_bus* bus_ = nullptr;
  int watched_fd_ = -1;  ///< libsystemd's own, of which the waker has a duplicate
  std::shared_ptr<Waker> waker_;
};

}  // namespace rouse::suspendd
