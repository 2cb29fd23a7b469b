#include "base/http/stream.hpp"

#include <boost/system/error_category.hpp>

#include <string>

namespace rouse {
namespace {

class HttpCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "http"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<HttpErrc>(value)) {
      case HttpErrc::BadMessage:
        return "not valid HTTP";
      case HttpErrc::HeadTooLarge:
        return "the head is too large";
      case HttpErrc::BodyTooLarge:
        return "the body is too large";
      case HttpErrc::UnsupportedCoding:
        return "unsupported transfer coding";
      case HttpErrc::UnsupportedVersion:
        return "unsupported HTTP version";
      case HttpErrc::Truncated:
        return "the other side closed inside a message";
      case HttpErrc::Timeout:
        return "timed out";
    }
    return "unknown";
  }
};

const HttpCategory& category() {
  static const HttpCategory instance;
  return instance;
}

}  // namespace

boost::system::error_code make_error_code(HttpErrc code) {
  return {static_cast<int>(code), category()};
}

int status_for(const boost::system::error_code& code) {
  if (code.category() != category()) return 0;
  switch (static_cast<HttpErrc>(code.value())) {
    case HttpErrc::BadMessage:
    case HttpErrc::Truncated:
      return 400;
    case HttpErrc::HeadTooLarge:
      return 431;
    case HttpErrc::BodyTooLarge:
      return 413;
    case HttpErrc::UnsupportedCoding:
      return 501;
    case HttpErrc::UnsupportedVersion:
      return 505;
    case HttpErrc::Timeout:
      return 408;
  }
  return 0;
}

}  // namespace rouse
