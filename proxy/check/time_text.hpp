#pragma once

#include <chrono>
#include <string>

namespace rouse {

/// "2027-06-30", or with the time where it is not midnight: in UTC, as `expires:` takes it.
[[nodiscard]] std::string day_text(std::chrono::system_clock::time_point at);

}  // namespace rouse
