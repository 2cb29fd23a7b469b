#pragma once

#include "base/result.hpp"

#include <boost/system/error_code.hpp>

#include <string>
#include <string_view>
#include <type_traits>

namespace rouse::suspendd {

/// What to branch on after a failed D-Bus call. The message says what to do about it; the name and
/// the words that came over the bus are in Error::doing.
enum class BusErrc {
  NotConnected = 1,       ///< no connection now; one is tried again and again
  Disconnected,           ///< the bus went away before the answer
  TimedOut,               ///< no answer within the call's deadline
  BadReply,               ///< an answer of another type than documented
  ServiceUnknown,         ///< nobody has that name on the bus, or it left before it answered
  AccessDenied,           ///< bus policy or polkit says no
  AuthorizationRequired,  ///< polkit would ask a person for a password
  UnknownObject,
  UnknownMethod,  ///< also interfaces and properties: an older or newer service
  InvalidArguments,
  LimitsExceeded,
  BlockedByInhibitor,  ///< logind 257 and newer: a block lock on sleep
  OperationInProgress,
  SleepNotSupported,
  NoSuchUnit,
  NoSuchSession,
  Other,  ///< any other name: see Error::doing
};

[[nodiscard]] boost::system::error_code make_error_code(BusErrc code);
/// The code for an error name as it comes over the bus.
[[nodiscard]] BusErrc bus_errc(std::string_view error_name);
/// An Error of @p code; @p doing as in Error.
[[nodiscard]] Error bus_error(BusErrc code, std::string doing);

}  // namespace rouse::suspendd

template <>
struct boost::system::is_error_code_enum<rouse::suspendd::BusErrc> : std::true_type {};
