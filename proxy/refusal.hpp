#pragma once

#include "base/http_message.hpp"
#include "proxy/config/config.hpp"

#include <string>
#include <string_view>

namespace rouse {

/// The client's own x-request-id when it is fit for a log line (1 to 128 visible characters), else
/// one that we make: 16 hex digits, unique within and, very likely, between runs.
[[nodiscard]] std::string request_id_for(const RequestHead& head);

/// "unknown model "qwen": did you mean "qwen3"? Configured: a, b, c"
[[nodiscard]] std::string unknown_model_text(const Config& config, std::string_view name);

/// The head of an answer that we write ourselves. @p retry_after_s 0: no Retry-After.
[[nodiscard]] ResponseHead own_head(int status, std::string_view content_type);
[[nodiscard]] ResponseHead error_head(int status, int retry_after_s);

}  // namespace rouse
