#pragma once

#include "base/http_stream.hpp"
#include "proxy/power/power.hpp"

#include <string>

namespace rouse {

/// One call on the socket of power_socket.hpp, where their forms are. False: close the connection.
Task<bool> answer_power_call(HttpStream& client, RequestHead request, Power& power);

/// 403 for @p who.
Task<void> refuse_power_call(HttpStream& client, const RequestHead& request, std::string who);

}  // namespace rouse
