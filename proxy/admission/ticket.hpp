#pragma once

#include "base/async/task.hpp"
#include "base/net/endpoint.hpp"
#include "core/swap/scheduler.hpp"
#include "proxy/admission/swap_times.hpp"
#include "proxy/wire/refusal.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace rouse {

using SteadyTimer =
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, Executor>;

class AdmissionTicket;

/// Who gives places: the Dispatcher for engines, a Peer for another machine. Outlives them.
class AdmissionSource {
 public:
  virtual void left(AdmissionTicket& ticket) = 0;

 protected:
  ~AdmissionSource() = default;
};

/// A request's place: first in a queue, then on an engine or a peer. Given back when destroyed.
/// Owned by the request. Single thread.
class AdmissionTicket {
 public:
  enum class State {
    Waiting,
    Admitted,  ///< endpoint() serves it
    Refused,   ///< failure() says why; final
    Aborted,   ///< was admitted, but the engine is stopped under us or has died; failure() says why
  };

  /// How long after a connection broke the news of its engine's death may come.
  static constexpr std::chrono::milliseconds kDeathNotice{250};

  AdmissionTicket(AdmissionSource& source, Executor executor, core::Ticket id, std::string model,
                  std::string request_id);
  ~AdmissionTicket();
  AdmissionTicket(const AdmissionTicket&) = delete;
  AdmissionTicket& operator=(const AdmissionTicket&) = delete;

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const Failure& failure() const { return failure_; }
  /// The same in short, for the history and the log: "an operator unloaded it".
  [[nodiscard]] const std::string& abort_reason() const { return abort_reason_; }
  /// Somebody has waited too long for this place: a client that does not read is to lose it.
  [[nodiscard]] const std::string& hurried_by() const { return hurried_by_; }
  /// Where it is served; a reload may have moved the model since the request was read.
  [[nodiscard]] const Endpoint& endpoint() const { return endpoint_; }
  /// How much of its waiting was the load of the engine, or the wake of the machine.
  [[nodiscard]] core::Duration load() const { return load_; }
  [[nodiscard]] core::Duration wake_time() const { return wake_; }
  /// What it was there for of the swap that brought its model; all zero without one.
  [[nodiscard]] const SwapPhases& swap() const { return swap_; }

  [[nodiscard]] core::Ticket id() const { return id_; }
  [[nodiscard]] const std::string& model() const { return model_; }
  [[nodiscard]] const std::string& request_id() const { return request_id_; }

  /// Whether its engine is stopped or dies within @p limit, where a broken connection may be the
  /// first sign of that.
  Task<bool> ends_within(std::chrono::milliseconds limit);
  /// Returns when the state has changed, somebody called wake(), or @p until has come.
  Task<void> changed(std::chrono::steady_clock::time_point until);
  void wake();

  /// Called (once) when the engine is stopped while we are admitted: cut the upstream connection.
  void on_abort(std::function<void()> cut) { cut_ = std::move(cut); }
  /// Called when hurried_by() is said, also if that was long ago.
  void on_hurry(std::function<void()> hurry);

  // For the giver.
  void admit(Endpoint endpoint, core::Duration load, core::Duration wake_time = {});
  /// The same for the engine that was loaded for it.
  void admit(Endpoint endpoint, core::Duration load, const SwapPhases& swap);
  void refuse(Failure failure);
  void abort(std::string reason, Failure failure);
  /// The same where its engine has died: the kernel closes the connection, and how it does that
  /// says whether the request was read.
  void engine_died(std::string reason, Failure failure);
  void hurry(std::string why);
  /// Back to the queue: what it was admitted to did not take it.
  void send_back() { state_ = State::Waiting; }
  /// Cuts the upstream connection, and says nothing more.
  void cut();

 private:
  AdmissionSource& source_;
  Executor executor_;
  core::Ticket id_;
  std::string model_;
  std::string request_id_;
  State state_ = State::Waiting;
  Failure failure_;
  std::string abort_reason_;
  std::string hurried_by_;
  Endpoint endpoint_;
  core::Duration load_{0};
  core::Duration wake_{0};
  SwapPhases swap_;
  std::function<void()> cut_;
  std::function<void()> hurry_;
  std::unique_ptr<SteadyTimer> bell_;  // only while somebody waits in changed()
};

}  // namespace rouse
