#include "suspendd/systemd/logind.hpp"

#include "base/async/use_task.hpp"
#include "suspendd/systemd/logind_bus.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace rouse::suspendd {
namespace {

constexpr const char* kManagerPath = "/org/freedesktop/login1";
constexpr const char* kManager = "org.freedesktop.login1.Manager";

/// polkit may have to be started first.
constexpr std::chrono::milliseconds kSuspendTimeout{25'000};
constexpr std::chrono::milliseconds kLookAgain{1'000};

BusObject manager() {
  return BusObject{kLogindService, kManagerPath, kManager};
}

Error bad_reply(std::string doing) {
  return bus_error(BusErrc::BadReply, std::move(doing));
}

/// Microseconds since the epoch, as far as our clocks reach.
std::chrono::system_clock::time_point realtime(std::uint64_t microseconds) {
  using std::chrono::system_clock;
  constexpr auto kMost =
      std::chrono::duration_cast<std::chrono::microseconds>(system_clock::duration::max()).count();
  const auto held = std::min<std::uint64_t>(microseconds, static_cast<std::uint64_t>(kMost));
  return system_clock::time_point(std::chrono::microseconds(static_cast<std::int64_t>(held)));
}

}  // namespace

const char* to_text(CanSuspend can) {
  switch (can) {
    case CanSuspend::Yes:
      return "yes";
    case CanSuspend::No:
      return "no";
    case CanSuspend::Challenge:
      return "challenge";
    case CanSuspend::NotAvailable:
      return "na";
    case CanSuspend::Inhibited:
      return "inhibited";
  }
  return "?";
}

bool Inhibitor::has(std::string_view kind) const {
  std::string_view rest = what;
  while (!rest.empty()) {
    const auto colon = std::min(rest.find(':'), rest.size());
    if (rest.substr(0, colon) == kind) return true;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return false;
}

struct Logind::Listener {
  std::function<void(SleepSignal)> then;
};

Logind::Logind(Bus& bus) : bus_(bus), wake_(bus.executor(), BusTimer::time_point::max()) {
  sleep_ = bus_.on_signal(manager(), "PrepareForSleep", [this](const BusMessage& message) {
    BusReader reader(message);
    const bool preparing = reader.boolean();
    if (reader.finish("PrepareForSleep")) tell({.preparing = preparing});
  });
  service_ = bus_.on_service(kLogindService, [this](bool here) {
    // Another version may have started.
    has_list_ex_ = true;
    look_ = here;
    wake_.cancel();
  });
}

Logind::~Logind() = default;

bool Logind::here() const {
  return bus_.has(kLogindService);
}

Task<Result<BusMessage>> Logind::ask(std::string member) {
  BusCall call;
  call.to = manager();
  call.member = std::move(member);
  return bus_.call(std::move(call));
}

Task<Result<CanSuspend>> Logind::can_suspend() {
  const auto answer = co_await ask("CanSuspend");
  if (!answer) co_return answer.error();
  BusReader reader(*answer);
  const std::string can = reader.string();
  const auto read = reader.finish("CanSuspend");
  if (!read) co_return read.error();
  if (can == "yes") co_return CanSuspend::Yes;
  if (can == "no") co_return CanSuspend::No;
  if (can == "na") co_return CanSuspend::NotAvailable;
  if (can == "challenge" || can == "challenge-inhibitor-blocked") co_return CanSuspend::Challenge;
  if (can == "inhibited" || can == "inhibitor-blocked") co_return CanSuspend::Inhibited;
  co_return bad_reply("reading CanSuspend, which says \"" + can.substr(0, 40) + "\"");
}

Task<Result<void>> Logind::suspend() {
  BusCall call;
  call.to = manager();
  call.member = "SuspendWithFlags";
  call.arguments.emplace_back(std::uint64_t{0});
  call.timeout = kSuspendTimeout;
  const auto answer = co_await bus_.call(std::move(call));
  if (!answer) co_return answer.error();
  co_return Result<void>();
}

Task<Result<std::vector<Inhibitor>>> Logind::inhibitors() {
  const auto answer = co_await ask("ListInhibitors");
  if (!answer) co_return answer.error();
  std::vector<Inhibitor> found;
  BusReader reader(*answer);
  reader.array("(ssssuu)");
  while (reader.more()) {
    Inhibitor inhibitor;
    reader.structure("ssssuu");
    inhibitor.what = reader.string();
    inhibitor.who = reader.string();
    inhibitor.why = reader.string();
    inhibitor.mode = reader.string();
    inhibitor.uid = reader.u32();
    inhibitor.pid = reader.u32();
    reader.leave();
    found.push_back(std::move(inhibitor));
  }
  reader.leave();
  const auto read = reader.finish("ListInhibitors");
  if (!read) co_return read.error();
  co_return found;
}

Task<Result<bool>> Logind::preparing_for_sleep() {
  const auto answer = co_await bus_.get_property(manager(), "PreparingForSleep");
  if (!answer) co_return answer.error();
  BusReader reader(*answer);
  reader.variant("b");
  const bool preparing = reader.boolean();
  const auto read = reader.finish("PreparingForSleep");
  if (!read) co_return read.error();
  co_return preparing;
}

Task<Result<std::optional<ScheduledShutdown>>> Logind::scheduled_shutdown() {
  const auto answer = co_await bus_.get_property(manager(), "ScheduledShutdown");
  if (!answer) co_return answer.error();
  BusReader reader(*answer);
  reader.variant("(st)");
  reader.structure("st");
  ScheduledShutdown shutdown;
  shutdown.kind = reader.string();
  const std::uint64_t at = reader.u64();
  shutdown.at = realtime(at);
  const auto read = reader.finish("ScheduledShutdown");
  if (!read) co_return read.error();
  if (shutdown.kind.empty() || at == 0 || at == UINT64_MAX) {
    co_return std::optional<ScheduledShutdown>();
  }
  co_return std::optional<ScheduledShutdown>(std::move(shutdown));
}

Task<Result<std::chrono::milliseconds>> Logind::inhibit_delay_max() {
  const auto answer = co_await bus_.get_property(manager(), "InhibitDelayMaxUSec");
  if (!answer) co_return answer.error();
  BusReader reader(*answer);
  reader.variant("t");
  const std::uint64_t microseconds = reader.u64();
  const auto read = reader.finish("InhibitDelayMaxUSec");
  if (!read) co_return read.error();
  co_return std::chrono::duration_cast<std::chrono::milliseconds>(span_of(microseconds));
}

Task<Result<UniqueFd>> Logind::inhibit(std::string what, std::string who, std::string why,
                                       std::string mode) {
  BusCall call;
  call.to = manager();
  call.member = "Inhibit";
  for (std::string* const text : {&what, &who, &why, &mode}) {
    call.arguments.emplace_back(std::move(*text));
  }
  const auto answer = co_await bus_.call(std::move(call));
  if (!answer) co_return answer.error();
  BusReader reader(*answer);
  UniqueFd lock = reader.fd();
  const auto read = reader.finish("Inhibit");
  if (!read) co_return read.error();
  co_return lock;
}

std::shared_ptr<void> Logind::on_sleep(std::function<void(SleepSignal)> then) {
  auto listener = std::make_shared<Listener>();
  listener->then = std::move(then);
  listeners_.push_back(listener);
  return listener;
}

void Logind::tell(SleepSignal signal) {
  std::erase_if(listeners_, [](const auto& weak) { return weak.expired(); });
  const auto now = listeners_;  // a listener may add others
  for (const auto& weak : now) {
    if (const auto listener = weak.lock()) listener->then(signal);
  }
}

Task<void> Logind::run() {
  for (;;) {
    auto wake_at = BusTimer::time_point::max();
    if (std::exchange(look_, false)) {
      const auto preparing = co_await preparing_for_sleep();
      if (preparing) {
        tell({.preparing = *preparing, .recovered = true});
      } else if (here() && !look_) {
        // One that is still there is asked again; one that left tells when it comes.
        look_ = true;
        wake_at = std::chrono::steady_clock::now() + kLookAgain;
      }
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    const auto terminal = state.cancelled() & asio::cancellation_type::terminal;
    if (terminal != asio::cancellation_type::none) co_return;
    if (look_ && wake_at == BusTimer::time_point::max()) continue;  // it came anew meanwhile
    wake_.expires_at(wake_at);
    co_await wake_.async_wait(use_task);
  }
}

}  // namespace rouse::suspendd
