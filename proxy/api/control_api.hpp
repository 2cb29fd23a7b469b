#pragma once

#include "base/http/stream.hpp"
#include "proxy/api/operator_reply.hpp"
#include "proxy/proxy.hpp"
#include "proxy/wire/route.hpp"

#include <string>

namespace rouse {

/// Does what an operator wants changed: load, unload, cancel, profile, reload, wake. Of models only
/// those that @p caller may use: "all" are all of these.
Task<OperatorReply> answer_control(const RequestHead& request, const wire::RouteMatch& match,
                                   const std::string& body, const Caller& caller, Proxy& proxy);

}  // namespace rouse
