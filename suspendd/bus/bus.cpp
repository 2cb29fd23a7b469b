#include "suspendd/bus/bus.hpp"

#include "base/async/use_task.hpp"
#include "base/service/log.hpp"
#include "base/text/duration_text.hpp"
#include "suspendd/bus/bus_link.hpp"
#include "suspendd/bus/bus_state.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <systemd/sd-bus.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <type_traits>
#include <utility>

namespace rouse::suspendd {
namespace {

constexpr std::chrono::milliseconds kLongestWait = std::chrono::hours(24);

std::string address_or_default(std::string address) {
  if (!address.empty()) return address;
  const char* const set = ::secure_getenv("DBUS_SYSTEM_BUS_ADDRESS");
  return set != nullptr && *set != '\0' ? set : "unix:path=/run/dbus/system_bus_socket";
}

int append(sd_bus_message* message, const BusArgument& argument) {
  return std::visit(
      [message](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::string>) {
          // A zero byte would cut it short silently.
          if (value.find('\0') != std::string::npos) return -EINVAL;
          return sd_bus_message_append_basic(message, 's', value.c_str());
        } else if constexpr (std::is_same_v<T, bool>) {
          const int number = value ? 1 : 0;
          return sd_bus_message_append_basic(message, 'b', &number);
        } else if constexpr (std::is_same_v<T, std::int32_t>) {
          return sd_bus_message_append_basic(message, 'i', &value);
        } else if constexpr (std::is_same_v<T, std::uint32_t>) {
          return sd_bus_message_append_basic(message, 'u', &value);
        } else {
          return sd_bus_message_append_basic(message, 't', &value);
        }
      },
      argument);
}

/// The message for @p call; a negative errno where something in it cannot be sent.
int build(sd_bus* bus, const BusCall& call, BusMessagePtr& message) {
  sd_bus_message* raw = nullptr;
  int r = sd_bus_message_new_method_call(bus, &raw, call.to.service.c_str(), call.to.path.c_str(),
                                         call.to.interface.c_str(), call.member.c_str());
  message.reset(raw);
  for (const BusArgument& argument : call.arguments) {
    if (r >= 0) r = append(raw, argument);
  }
  return r;
}

Result<BusMessage> answer_of(BusMessage message, std::string doing) {
  if (sd_bus_message_is_method_error(message.get(), nullptr) <= 0) return message;
  const sd_bus_error* const error = sd_bus_message_get_error(message.get());
  const std::string name = error->name != nullptr ? error->name : "";
  doing += " (" + for_log(name);
  if (error->message != nullptr && *error->message != '\0') doing += ": " + for_log(error->message);
  doing += ")";
  return bus_error(bus_errc(name), std::move(doing));
}

}  // namespace

Bus::Bus(Executor executor, BusOptions options)
    : state_(std::make_unique<State>(std::move(executor), std::move(options))) {
  state_->options.address = address_or_default(std::move(state_->options.address));
}

Bus::~Bus() {
  state_->lose({}, "the connection is no longer wanted");
  for (const auto& entry : state_->entries()) entry->end();
}

bool Bus::connected() const {
  return state_->ready;
}

const std::string& Bus::trouble() const {
  return state_->trouble;
}

bool Bus::has(const std::string& service) const {
  const auto it = state_->services.find(service);
  return it != state_->services.end() && !it->second.owner.empty();
}

Executor Bus::executor() const {
  return state_->executor;
}

Task<void> Bus::run() {
  State& state = *state_;
  auto pause = state.options.retry_first;
  for (;;) {
    if (!state.link) state.open();
    if (state.link) {
      auto on_ready = [&state] { state.on_ready(); };
      const auto why = co_await state.link->serve(std::move(on_ready));
      if (state.ready) pause = state.options.retry_first;
      state.lose(why, "the connection to " + state.options.address + " was lost");
    }
    const bool cancelled = co_await is_cancelled();
    if (cancelled) co_return;
    state.pause.expires_after(pause);
    co_await state.pause.async_wait(use_task);
    pause = std::min(pause * 2, state.options.retry_longest);
  }
}

Task<Result<BusMessage>> Bus::call(BusCall call) {
  std::string doing = "asking " + call.to.service + " for " + call.member;
  const bool cancelled = co_await is_cancelled();
  if (cancelled) co_return Error{asio::error::operation_aborted, std::move(doing)};

  // The first call may come before run() has had its first turn.
  if (!state_->link && state_->trouble.empty()) state_->open();
  if (!state_->link) {
    doing += " (" + state_->trouble + ")";
    co_return bus_error(BusErrc::NotConnected, std::move(doing));
  }

  Pending pending(state_->executor);
  BusMessagePtr message;
  int r = build(state_->link->get(), call, message);
  if (r < 0) {
    doing += " with what cannot be sent over D-Bus";
    co_return bus_error(BusErrc::InvalidArguments, std::move(doing));
  }
  r = pending.send(*state_, message.get());
  if (r < 0) co_return Error{{-r, boost::system::system_category()}, std::move(doing)};

  pending.bell.expires_after(std::clamp(call.timeout, std::chrono::milliseconds(0), kLongestWait));
  const auto [rung] = co_await pending.bell.async_wait(use_task);
  if (pending.lost) {
    doing += " (" + state_->trouble + ")";
    co_return bus_error(BusErrc::Disconnected, std::move(doing));
  }
  if (pending.answer) co_return answer_of(std::move(pending.answer), std::move(doing));
  if (rung) co_return Error{asio::error::operation_aborted, std::move(doing)};
  doing += ", for " + duration_text(call.timeout);
  co_return bus_error(BusErrc::TimedOut, std::move(doing));
}

Task<Result<BusMessage>> Bus::get_property(BusObject of, std::string name) {
  BusCall get;
  get.arguments = {std::move(of.interface), name};
  get.to = std::move(of);
  get.to.interface = "org.freedesktop.DBus.Properties";
  get.member = "Get";
  auto answer = co_await call(std::move(get));
  if (answer) co_return answer;
  Error error = answer.error();
  error.doing = "property " + name + ": " + error.doing;
  co_return error;
}

BusSubscription Bus::on_signal(BusObject from, std::string member,
                               std::function<void(const BusMessage&)> then) {
  auto entry = std::make_shared<BusSubscription::Entry>();
  entry->from = std::move(from);
  entry->member = std::move(member);
  entry->on_signal = std::move(then);
  state_->add(entry);
  return BusSubscription(std::move(entry));
}

BusSubscription Bus::on_service(std::string service, std::function<void(bool here)> then) {
  auto entry = std::make_shared<BusSubscription::Entry>();
  entry->from.service = std::move(service);
  entry->on_service = std::move(then);
  state_->add(entry);
  return BusSubscription(std::move(entry));
}

BusSubscription& BusSubscription::operator=(BusSubscription&& other) noexcept {
  if (entry_ && entry_ != other.entry_) entry_->end();
  entry_ = std::move(other.entry_);
  return *this;
}

BusSubscription::~BusSubscription() {
  if (entry_) entry_->end();
}

}  // namespace rouse::suspendd
