#include "suspendd/trap_context.hpp"

#include <cstdlib>
#include <utility>

namespace rouse::suspendd {

namespace {

/// "252.39-1~deb12u1" begins with the number.
Task<int> systemd_version(Bus& bus) {
  const BusObject manager{"org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                          "org.freedesktop.systemd1.Manager"};
  Result<BusMessage> answer = co_await bus.get_property(manager, "Version");
  if (!answer) co_return 0;
  BusReader reader(*answer);
  reader.variant("s");
  const std::string version = reader.string();
  co_return std::atoi(version.c_str());
}

}  // namespace

Task<TrapContext> read_trap_context(Logind& logind, const Config& config,
                                    core::suspend::Memory memory, core::suspend::Now now,
                                    std::string proxy_error, int proxy_pid) {
  TrapContext context;
  const Result<CanSuspend> can = co_await logind.can_suspend();
  if (can) {
    context.can_suspend = to_text(*can);
  } else {
    context.can_suspend_error = can.error().message();
  }
  context.systemd_version = co_await systemd_version(logind.bus());
  context.wol_interfaces = config.wol.interfaces;
  context.wol_required = config.wol.require;
  context.has_wakeups = !config.wakeups.empty();
  context.keeps_vram = !config.unload;
  // Where sleep is allowed without its word, a proxy that is away refuses nothing.
  const bool may_be_away = !config.proxy.unreachable_is_active && !proxy_error.empty();
  context.has_proxy = !config.proxy.socket.empty() && !may_be_away;
  context.proxy_error = std::move(proxy_error);
  context.proxy_pid = proxy_pid;
  if (memory.wake_proof) {
    context.proven_wake_age =
        std::chrono::duration_cast<std::chrono::seconds>(now.realtime - *memory.wake_proof);
    const auto up = now.boottime.time_since_epoch();
    context.proven_this_boot = *memory.wake_proof > now.realtime - up;
  }
  co_return context;
}

}  // namespace rouse::suspendd
