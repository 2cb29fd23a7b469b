#include "suspendd/box/wake_source.hpp"

#include "base/posix.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>

namespace rouse::suspendd {
namespace {

constexpr std::string_view kWakeup = "/sys/class/wakeup/";
constexpr const char* kCount = "/sys/power/wakeup_count";

struct What {
  WakeKind kind = WakeKind::Unknown;
  std::string detail;
};

/// PCI base class: 0x02 network, 0x0c03 USB host, 0x06 bridge.
std::int64_t pci_class(const Root& root, const std::string& device) {
  const auto number = root.read_number(device + "/class");
  return number ? *number >> 8 : 0;
}

bool is_ethernet(const Root& root, const std::string& device) {
  return !root.list(device + "/net").empty();
}

/// The network interfaces of a card, or of the cards behind a bridge: a card's wake event is
/// counted for the port that it hangs on where the firmware handles it.
std::vector<std::string> interfaces_of(const Root& root, const std::string& device, int depth) {
  std::vector<std::string> names = root.list(device + "/net");
  if (depth == 0 || !names.empty()) return names;
  for (const std::string& child : root.list(device)) {
    if (child.find(':') == std::string::npos) continue;  // PCI addresses only
    for (std::string& name : interfaces_of(root, device + "/" + child, depth - 1)) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// By the hardware id of an ACPI device.
What what_acpi(const std::string& name) {
  const auto is = [&](std::string_view id) { return name.starts_with(id); };
  if (is("PNP0C0C") || is("LNXPWRBN")) return {WakeKind::PowerButton, "power button"};
  if (is("PNP0C0E") || is("LNXSLPBN")) return {WakeKind::PowerButton, "sleep button"};
  if (is("PNP0C0D")) return {WakeKind::Lid, "lid"};
  return {};
}

What what_device(const Root& root, const std::string& device) {
  const std::string_view subsystem_of_none;
  const std::string link = root.link(device + "/subsystem");
  const std::string_view subsystem = link.empty() ? subsystem_of_none : basename(link);
  if (!root.list(device + "/rtc").empty() || subsystem == "rtc") {
    return {WakeKind::Rtc, "real-time clock"};
  }
  if (is_ethernet(root, device)) {
    return {WakeKind::Wol, "network card " + joined(interfaces_of(root, device, 0))};
  }
  if (subsystem == "usb") {
    // A network card on the USB hangs below its device, in the folder of an interface of it.
    const auto cards = interfaces_of(root, device, 1);
    if (!cards.empty()) return {WakeKind::Wol, "network card " + joined(cards)};
    const auto product = root.read_word(device + "/product");
    return {WakeKind::Usb, product ? "USB " + *product : "USB device"};
  }
  if (subsystem == "serio") return {WakeKind::Other, "keyboard or mouse"};
  const std::int64_t pci = subsystem == "pci" ? pci_class(root, device) : 0;
  if (pci == 0x0c03) return {WakeKind::Usb, "USB host controller"};
  if (pci >> 8 == 0x02) return {WakeKind::Wol, "network card"};
  if (pci >> 8 == 0x06) {
    const auto cards = interfaces_of(root, device, 3);
    if (!cards.empty()) return {WakeKind::Wol, "bus port of network card " + joined(cards)};
    return {WakeKind::Other, "bus port"};
  }
  return {};
}

What what_source(const Root& root, const WakeSource& source) {
  std::string device = source.device;
  for (int hop = 0; hop < 2 && !device.empty(); ++hop) {
    What what = what_acpi(std::string(basename(device)));
    if (what.kind == WakeKind::Unknown) what = what_device(root, device);
    if (what.kind != WakeKind::Unknown) return what;
    // The ACPI companion of a device leads to the device.
    device = root.resolve(device + "/physical_node");
  }
  What what = what_acpi(source.name);
  if (what.kind == WakeKind::Unknown &&
      (source.name.find("rtc") != std::string::npos || source.name.starts_with("alarmtimer"))) {
    what = {WakeKind::Rtc, "real-time clock"};
  }
  return what;
}

int rank(const WakeSource& source, bool alarm_due) {
  switch (source.kind) {
    case WakeKind::PowerButton:
      return 1;
    case WakeKind::Lid:
      return 2;
    case WakeKind::Wol:
      return 3;
    case WakeKind::Rtc:
      return alarm_due ? 0 : 6;
    case WakeKind::Usb:
      return 4;
    case WakeKind::Other:
      return 5;
    case WakeKind::Unknown:
      break;
  }
  return 7;
}

/// In a child of ours, since the read can wait: prints the file to @p out.
[[noreturn]] void print_count(const char* file, int out) {
  char text[32];
  const int in = ::open(file, O_RDONLY | O_CLOEXEC);
  const ssize_t n = in < 0 ? -1 : ::read(in, text, sizeof text);
  if (n > 0 && ::write(out, text, static_cast<std::size_t>(n)) == n) ::_exit(0);
  ::_exit(errno & 0xFF);
}

}  // namespace

std::vector<WakeSource> read_wake_sources(const Root& root) {
  std::vector<WakeSource> sources;
  for (const std::string& id : root.list(kWakeup)) {
    const std::string folder = std::string(kWakeup) + id;
    const auto count = root.read_number(folder + "/event_count");
    if (!count) continue;  // gone meanwhile
    WakeSource source;
    source.id = id;
    const auto name = root.read_word(folder + "/name");
    if (name) source.name = *name;
    source.device = root.resolve(folder + "/device");
    source.event_count = static_cast<std::uint64_t>(*count);
    const auto enabled = root.read_word(source.device + "/power/wakeup");
    source.is_enabled = !source.device.empty() && enabled && *enabled == "enabled";
    What what = what_source(root, source);
    source.kind = what.kind;
    source.detail = what.detail.empty() ? source.name : std::move(what.detail);
    sources.push_back(std::move(source));
  }
  return sources;
}

WakeReason wake_reason(const std::vector<WakeSource>& before, const std::vector<WakeSource>& after,
                       bool alarm_due) {
  WakeReason reason;
  std::vector<std::uint64_t> grown;
  for (const WakeSource& now : after) {
    // Ids are given anew when a device comes back; the device or name with it tells who it is.
    const auto old = std::find_if(before.begin(), before.end(), [&](const WakeSource& one) {
      return one.name == now.name && one.device == now.device &&
             (one.id == now.id || !now.device.empty());
    });
    const std::uint64_t was =
        old == before.end() || old->event_count > now.event_count ? 0 : old->event_count;
    if (now.event_count > was) {
      reason.sources.push_back(now);
      reason.sources.back().event_count = now.event_count - was;
    }
  }
  std::stable_sort(reason.sources.begin(), reason.sources.end(),
                   [&](const WakeSource& a, const WakeSource& b) {
                     return rank(a, alarm_due) < rank(b, alarm_due);
                   });
  if (reason.sources.empty()) {
    reason.text = "no wake source has counted an event";
    return reason;
  }
  const WakeSource& first = reason.sources.front();
  reason.kind = first.kind;
  reason.text = first.detail + (first.detail == first.name ? "" : " (" + first.name + ")") + ", +" +
                std::to_string(first.event_count);
  return reason;
}

Result<std::uint64_t> read_wakeup_count(const Root& root, std::chrono::milliseconds patience) {
  const std::string file = root.path(kCount);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("making a pipe");
  const UniqueFd in(ends[0]);
  UniqueFd out(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return errno_error("forking to read " + file);
  if (child == 0) print_count(file.c_str(), out.get());
  out.reset();
  pollfd ready{in.get(), POLLIN, 0};
  const int polled = ::poll(&ready, 1, static_cast<int>(patience.count()));
  if (polled <= 0) ::kill(child, SIGKILL);  // its wait in the kernel can be interrupted
  char text[32];
  const ssize_t n = polled > 0 ? ::read(in.get(), text, sizeof text) : 0;
  int status = 0;
  ::waitpid(child, &status, 0);
  if (polled <= 0) {
    return Error{boost::system::errc::make_error_code(boost::system::errc::timed_out),
                 "reading " + file + ", which waits while a wake event is being handled"};
  }
  std::uint64_t count = 0;
  if (n > 0 && std::from_chars(text, text + n, count).ec == std::errc{}) return count;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
  return Error{{code == 0 ? EINVAL : code, boost::system::system_category()}, "reading " + file};
}

Result<void> write_wakeup_count(const Root& root, std::uint64_t count) {
  auto written = root.write(kCount, std::to_string(count));
  const auto refused =
      boost::system::errc::make_error_condition(boost::system::errc::invalid_argument);
  if (!written && written.error().code == refused) {
    return Error{written.error().code, written.error().doing + " (a wake event came meanwhile)"};
  }
  return written;
}

}  // namespace rouse::suspendd
