#include "suspendd/box/trap_list.hpp"
#include "suspendd/box/unit_files.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <map>

namespace rouse::suspendd {
namespace {

constexpr int kFirstThatFreezes = 256;

/// "Key: value" lines; strings stand in quotes.
std::map<std::string, std::string> read_params(const Root& root) {
  std::map<std::string, std::string> params;
  const auto text = root.read("/proc/driver/nvidia/params");
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const auto colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 2);
    if (value.size() >= 2 && value.front() == '"') value = value.substr(1, value.size() - 2);
    params[std::string(line.substr(0, colon))] = value;
  }
  return params;
}

bool names_unit(const std::vector<Assignment>& settings, std::string_view key,
                const std::string& unit) {
  const auto units = list_setting(settings, key);
  return std::find(units.begin(), units.end(), unit) != units.end();
}

/// nvidia-suspend.service runs although the gate has failed, and its counterpart has then run
/// before it: the GPU of a machine that stays awake would be left frozen.
void find_gate_order(const Root& root, const TrapContext& context, TrapList& traps) {
  const auto settings = unit_settings(root, "nvidia-suspend.service");
  if (names_unit(settings, "Requires", context.gate_unit) &&
      names_unit(settings, "After", context.gate_unit)) {
    traps.ok("nvidia order", "nvidia-suspend.service waits for the gate");
    return;
  }
  traps.warn(
      "nvidia order",
      "nvidia-suspend.service does not wait for " + context.gate_unit +
          ": when the gate refuses a suspend, the GPU of the waking machine stays frozen",
      "install the drop-in nvidia-suspend.service.d with Requires= and After=" + context.gate_unit);
}

void find_units(const Root& root, const TrapContext& context, TrapList& traps) {
  std::string missing;
  for (const char* unit : {"nvidia-suspend.service", "nvidia-resume.service"}) {
    if (unit_is_pulled_in(root, unit, "systemd-suspend.service")) continue;
    missing += (missing.empty() ? "" : " and ") + std::string(unit);
  }
  if (missing.empty()) {
    traps.ok("nvidia units", "nvidia-suspend and nvidia-resume run at each suspend");
  } else {
    traps.refuse("nvidia units",
                 "the driver keeps video memory (PreserveVideoMemoryAllocations=1) and refuses a "
                 "suspend without " +
                     missing + ", which no suspend pulls in",
                 "systemctl enable nvidia-suspend nvidia-resume");
  }
  find_gate_order(root, context, traps);
}

const Mount* mount_of(const std::vector<Mount>& mounts, const std::string& path) {
  const Mount* best = nullptr;
  for (const Mount& mount : mounts) {
    const bool is_above =
        mount.point == "/" || path == mount.point || (path + "/").starts_with(mount.point + "/");
    if (is_above && (best == nullptr || mount.point.size() >= best->point.size())) best = &mount;
  }
  return best;
}

std::string gib(std::uint64_t bytes) {
  const auto tenths = bytes * 10 / (1024ULL * 1024 * 1024);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " GiB";
}

/// The driver writes the video memory to an unlinked file there at each suspend.
void find_room(const Root& root, const TrapContext& context, std::string folder, TrapList& traps) {
  if (folder.empty()) folder = "/tmp";
  const std::string title = "nvidia memory";
  const std::string todo =
      "options nvidia NVreg_TemporaryFilePath=/var/tmp in /etc/modprobe.d, "
      "or unload engines before a suspend (unload: auto)";
  struct statvfs space {};
  if (::statvfs(root.path(folder).c_str(), &space) != 0) {
    traps.bad(context.keeps_vram, title,
              "the driver saves video memory to " + folder + ", which cannot be looked at", todo);
    return;
  }
  const std::uint64_t free = std::uint64_t{space.f_bavail} * space.f_frsize;
  const auto mounts = read_mounts(root);
  const Mount* mount = mount_of(mounts, folder);
  const bool is_memory = mount != nullptr && (mount->type == "tmpfs" || mount->type == "ramfs");
  const std::string where = "the driver saves video memory to " + folder + ", which has " +
                            gib(free) + " free" + (is_memory ? " of RAM (tmpfs)" : "");
  if (is_memory) {
    traps.warn(title, where, todo);
  } else {
    traps.ok(title, where);
  }
}

/// systemd freezes user sessions before it lets the kernel suspend, and the driver waits for
/// processes in them.
void find_session_freeze(const Root& root, const TrapContext& context, TrapList& traps) {
  if (context.systemd_version < kFirstThatFreezes) return;
  const auto settings = unit_settings(root, "systemd-suspend.service");
  const bool is_off = std::any_of(settings.begin(), settings.end(), [](const Assignment& one) {
    return one.key == "Environment" &&
           one.value.find("SYSTEMD_SLEEP_FREEZE_USER_SESSIONS=false") != std::string::npos;
  });
  if (is_off) {
    traps.ok("session freeze", "user sessions are not frozen before the driver suspends");
  } else {
    traps.warn("session freeze",
               "systemd freezes user sessions before the NVIDIA driver suspends, which can hang",
               "install a drop-in for systemd-suspend.service with "
               "Environment=SYSTEMD_SLEEP_FREEZE_USER_SESSIONS=false");
  }
}

}  // namespace

void find_nvidia_traps(const Root& root, const TrapContext& context, TrapList& traps) {
  if (!root.exists("/proc/driver/nvidia/params")) return;
  auto params = read_params(root);
  const bool preserves = params["PreserveVideoMemoryAllocations"] == "1";
  // With these the driver saves by itself and knows no units (from 595 on).
  const bool notifies = params["UseKernelSuspendNotifiers"] == "1";
  if (preserves && !notifies) find_units(root, context, traps);
  if (preserves) find_room(root, context, params["TemporaryFilePath"], traps);
  if (!preserves) {
    traps.bad(context.keeps_vram, "nvidia memory",
              "video memory is lost in a suspend (PreserveVideoMemoryAllocations is not 1)" +
                  std::string(context.keeps_vram ? ", and unload: never is configured" : ""),
              context.keeps_vram
                  ? "options nvidia NVreg_PreserveVideoMemoryAllocations=1 in /etc/modprobe.d, "
                    "or unload: auto"
                  : "nothing, while engines are unloaded before a suspend; other programs on the "
                    "GPU may fail after it");
  }
  find_session_freeze(root, context, traps);
}

}  // namespace rouse::suspendd
