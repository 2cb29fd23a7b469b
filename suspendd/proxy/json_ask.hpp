#pragma once

#include "base/http/ask.hpp"
#include "base/net/endpoint.hpp"

#include <chrono>
#include <string>

namespace rouse::suspendd {

/// A question whose body is JSON, empty for none. @p path comes after the endpoint's own; @p limit
/// is for connecting, and again for the answer.
[[nodiscard]] HttpAsk json_ask(Endpoint endpoint, std::string method, const std::string& path,
                               std::string body, std::chrono::milliseconds limit);

/// An endpoint of a unix socket.
[[nodiscard]] Endpoint unix_endpoint(std::string path);

/// What an answer that is no success says: the "message" of its JSON, or its status.
[[nodiscard]] std::string refusal_text(const HttpAnswer& answer);

}  // namespace rouse::suspendd
