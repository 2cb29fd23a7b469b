#pragma once

#include <string>
#include <string_view>

namespace rouse {

// What is wrong with texts that are used much later, so that it is said when the file is read.
// Empty: nothing.

/// Of checkEndpoint: a path, or a URL of which the path is used.
[[nodiscard]] std::string check_endpoint_fault(std::string_view text);

}  // namespace rouse
