#pragma once

#include "proxy/wire/error_body.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace rouse {

/// What answers a call of an operator.
struct OperatorReply {
  int status = 200;
  std::string_view type = "application/json";
  std::string body;
  wire::ErrorText error = {};  ///< of a failure, instead of a body
};

[[nodiscard]] inline OperatorReply refusal(int status, std::string message, std::string code = {}) {
  wire::ErrorText text;
  text.message = std::move(message);
  text.code = std::move(code);
  return {status, {}, {}, std::move(text)};
}

}  // namespace rouse
