#pragma once

#include "base/http/stream.hpp"
#include "proxy/power/power.hpp"

#include <string>

namespace rouse {

/// One call on the socket of power_socket.hpp, where their forms are. False: close the connection.
Task<bool> answer_power_call(HttpStream& client, RequestHead request, Power& power);

/// Tells what is wrong with a head that could not be read, if its sender is still there.
Task<void> refuse_power_head(HttpStream& client, const Error& error);

/// 403 for @p who.
Task<void> refuse_power_call(HttpStream& client, const RequestHead& request, std::string who);

}  // namespace rouse
