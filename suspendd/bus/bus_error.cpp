#include "suspendd/bus/bus_error.hpp"

#include <boost/system/error_category.hpp>

#include <array>
#include <utility>

namespace rouse::suspendd {
namespace {

class BusCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "D-Bus"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<BusErrc>(value)) {
      case BusErrc::NotConnected:
        return "not connected to the message bus; it is tried again";
      case BusErrc::Disconnected:
        return "the message bus went away before the answer";
      case BusErrc::TimedOut:
        return "no answer in time";
      case BusErrc::BadReply:
        return "not the answer that is documented";
      case BusErrc::ServiceUnknown:
        return "the service does not run, or ended before it answered";
      case BusErrc::AccessDenied:
        return "not allowed: run as root, or let a polkit rule permit it";
      case BusErrc::AuthorizationRequired:
        return "polkit would ask for a password: run as root, or let a polkit rule permit it";
      case BusErrc::UnknownObject:
        return "there is no such object";
      case BusErrc::UnknownMethod:
        return "the service does not know this: another version?";
      case BusErrc::InvalidArguments:
        return "the arguments were refused";
      case BusErrc::LimitsExceeded:
        return "a limit of the message bus or of the service is reached";
      case BusErrc::BlockedByInhibitor:
        return "a program holds a block lock: see systemd-inhibit --list";
      case BusErrc::OperationInProgress:
        return "a suspend or a shutdown is under way already";
      case BusErrc::SleepNotSupported:
        return "this machine does not offer suspend: see /sys/power/state, and AllowSuspend= in "
               "sleep.conf";
      case BusErrc::NoSuchUnit:
        return "there is no such unit";
      case BusErrc::NoSuchSession:
        return "there is no such session";
      case BusErrc::Other:
        return "refused";
    }
    return "unknown";
  }
};

const BusCategory& category() {
  static const BusCategory instance;
  return instance;
}

constexpr std::string_view kCommon = "org.freedesktop.DBus.Error.";

/// Those of org.freedesktop.DBus.Error, without that.
constexpr std::array<std::pair<std::string_view, BusErrc>, 18> kCommonNames{{
    {"ServiceUnknown", BusErrc::ServiceUnknown},
    {"NameHasNoOwner", BusErrc::ServiceUnknown},
    {"NoReply", BusErrc::ServiceUnknown},  // from the bus: the other side left
    {"Disconnected", BusErrc::Disconnected},
    {"NoServer", BusErrc::Disconnected},
    {"Timeout", BusErrc::TimedOut},
    {"TimedOut", BusErrc::TimedOut},
    {"AccessDenied", BusErrc::AccessDenied},
    {"AuthFailed", BusErrc::AccessDenied},
    {"InteractiveAuthorizationRequired", BusErrc::AuthorizationRequired},
    {"UnknownObject", BusErrc::UnknownObject},
    {"UnknownMethod", BusErrc::UnknownMethod},
    {"UnknownInterface", BusErrc::UnknownMethod},
    {"UnknownProperty", BusErrc::UnknownMethod},
    {"NotSupported", BusErrc::UnknownMethod},
    {"InvalidArgs", BusErrc::InvalidArguments},
    {"InvalidSignature", BusErrc::InvalidArguments},
    {"LimitsExceeded", BusErrc::LimitsExceeded},
}};

/// sd-bus-common-errors of systemd 252 to 257.
constexpr std::array<std::pair<std::string_view, BusErrc>, 6> kSystemdNames{{
    {"org.freedesktop.login1.BlockedByInhibitorLock", BusErrc::BlockedByInhibitor},
    {"org.freedesktop.login1.OperationInProgress", BusErrc::OperationInProgress},
    {"org.freedesktop.login1.SleepVerbNotSupported", BusErrc::SleepNotSupported},
    {"org.freedesktop.login1.NoSuchSession", BusErrc::NoSuchSession},
    {"org.freedesktop.systemd1.NoSuchUnit", BusErrc::NoSuchUnit},
    {"org.freedesktop.systemd1.ShuttingDown", BusErrc::OperationInProgress},
}};

}  // namespace

boost::system::error_code make_error_code(BusErrc code) {
  return {static_cast<int>(code), category()};
}

BusErrc bus_errc(std::string_view error_name) {
  for (const auto& [name, code] : kSystemdNames) {
    if (name == error_name) return code;
  }
  if (!error_name.starts_with(kCommon)) return BusErrc::Other;
  error_name.remove_prefix(kCommon.size());
  for (const auto& [name, code] : kCommonNames) {
    if (name == error_name) return code;
  }
  // Spawn.ExecFailed and its like: the service could not be started.
  return error_name.starts_with("Spawn.") ? BusErrc::ServiceUnknown : BusErrc::Other;
}

Error bus_error(BusErrc code, std::string doing) {
  return Error{make_error_code(code), std::move(doing)};
}

}  // namespace rouse::suspendd
