#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/http_get.hpp"
#include "suspendd/checks/kinds.hpp"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace rouse::suspendd {
namespace {

using simdjson::dom::element;

/// The value that RFC 6901 @p pointer names, if there is one; simdjson does not take the empty one.
std::optional<element> value_at(const element& root, const std::string& pointer) {
  if (pointer.empty()) return root;
  element value;
  if (root.at_pointer(pointer).get(value) != simdjson::SUCCESS) return std::nullopt;
  return value;
}

bool is_same(const element& value, const std::string& text) {
  simdjson::dom::parser parser;
  element wanted;
  if (parser.parse(text).get(wanted) != simdjson::SUCCESS) return false;
  double a = 0;
  double b = 0;
  if (value.get(a) == simdjson::SUCCESS && wanted.get(b) == simdjson::SUCCESS) return a == b;
  return std::string(simdjson::minify(value)) == std::string(simdjson::minify(wanted));
}

class HttpJsonLook final : public Check {
 public:
  HttpJsonLook(const HttpJsonCheck& settings, const CheckConfig& config, CheckContext& context)
      : settings_(settings), pool_(context.pool) {
    question_.endpoint = settings.url;
    question_.timeout = config.timeout;
  }

  Task<Finding> look() override {
    HttpQuestion question = question_;
    const Result<std::string> text = co_await http_get(pool_, std::move(question));
    if (!text) co_return unknown(text.error().message());
    co_return judge(*text);
  }

 private:
  [[nodiscard]] Finding judge(const std::string& text) const {
    simdjson::dom::parser parser;
    element root;
    if (const auto error = parser.parse(text).get(root); error != simdjson::SUCCESS) {
      return unknown(fmt::format("what {} answers is not JSON: {}", question_.text(),
                                 simdjson::error_message(error)));
    }
    const std::optional<element> value = value_at(root, settings_.pointer);
    if (!value) {
      return unknown(fmt::format("{} has nothing at {}", question_.text(), place()));
    }
    const bool is_idle =
        std::any_of(settings_.idle_values.begin(), settings_.idle_values.end(),
                    [&value](const std::string& each) { return is_same(*value, each); });
    std::string reason =
        fmt::format("{} is {}", place(), excerpt(std::string(simdjson::minify(*value)), 80));
    return is_idle ? idle(std::move(reason)) : active(std::move(reason));
  }

  [[nodiscard]] std::string place() const {
    return settings_.pointer.empty() ? "the answer" : settings_.pointer;
  }

  HttpJsonCheck settings_;
  HttpPool& pool_;
  HttpQuestion question_;
};

}  // namespace

CheckPtr make_kind(const HttpJsonCheck& settings, const CheckConfig& config,
                   CheckContext& context) {
  if (!settings.pointer.empty() && settings.pointer.front() != '/') {
    return std::make_unique<BrokenCheck>("the pointer \"" + settings.pointer +
                                         "\" must begin with a slash (RFC 6901)");
  }
  return std::make_unique<HttpJsonLook>(settings, config, context);
}

}  // namespace rouse::suspendd
