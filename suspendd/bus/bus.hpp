#pragma once

#include "base/async/task.hpp"
#include "base/result.hpp"
#include "suspendd/bus/bus_error.hpp"
#include "suspendd/bus/bus_message.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace rouse::suspendd {

using BusTimer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                            asio::wait_traits<std::chrono::steady_clock>, Executor>;

struct BusOptions {
  /// "unix:path=/run/dbus/system_bus_socket"; empty: the system bus, or what
  /// DBUS_SYSTEM_BUS_ADDRESS says.
  std::string address;
  /// The pauses between attempts to connect: doubled from the first to the longest.
  std::chrono::milliseconds retry_first{250};
  std::chrono::milliseconds retry_longest{10'000};
};

/// What a subscription holds; ends it when destroyed. May outlive the Bus, and may be destroyed
/// inside its own callback.
class BusSubscription {
 public:
  struct Entry;

  BusSubscription() = default;
  explicit BusSubscription(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {}
  BusSubscription(BusSubscription&&) noexcept = default;
  BusSubscription& operator=(BusSubscription&& other) noexcept;
  ~BusSubscription();

 private:
  std::shared_ptr<Entry> entry_;
};

/// One connection to a message bus, kept up: when the bus goes away, pending calls fail, later ones
/// are refused at once, and a new connection is tried until it succeeds; subscriptions carry over.
///
/// Only signals of a service's real owner are delivered: any user may send a signal of any name to
/// anybody over the system bus. Single thread; callbacks come from run(). Must outlive the calls.
class Bus {
 public:
  Bus(Executor executor, BusOptions options);
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// Connects and serves the connection until it is cancelled (terminal). Nothing moves without it.
  Task<void> run();

  /// Sends @p call and waits for the answer. A cancelled caller gets asio's operation_aborted, and
  /// the answer is dropped.
  Task<Result<BusMessage>> call(BusCall call);
  /// org.freedesktop.DBus.Properties.Get. The answer is one variant.
  Task<Result<BusMessage>> get_property(BusObject of, std::string name);

  /// Each signal @p member of @p from; the service must be named. An empty path: of any object.
  [[nodiscard]] BusSubscription on_signal(BusObject from, std::string member,
                                          std::function<void(const BusMessage&)> then);
  /// When @p service gets an owner: after each connecting, and each time it is started anew. The
  /// signals from then on are delivered, so what is read now is complete. And when it goes, also
  /// because the bus went.
  [[nodiscard]] BusSubscription on_service(std::string service,
                                           std::function<void(bool here)> then);

  [[nodiscard]] bool connected() const;
  /// Whether @p service has an owner now; known once somebody has subscribed to it.
  [[nodiscard]] bool has(const std::string& service) const;
  [[nodiscard]] Executor executor() const;
  /// Why there is no connection; empty when there is one.
  [[nodiscard]] const std::string& trouble() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace rouse::suspendd
