#pragma once

#include "suspendd/checks/check.hpp"

#include <string>

namespace rouse::suspendd {

/// What the proxy's `GET /v1/power/activity` says:
/// `{"busy":[{"kind":"inflight","model":"x","age_ms":1234}],"last_activity_ms":913000}`.
/// Pure.
[[nodiscard]] Finding proxy_activity(const std::string& json);

}  // namespace rouse::suspendd
