#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/http_get.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/checks/proxy_activity.hpp"

#include <utility>

namespace rouse::suspendd {
namespace {

/// What our own proxy on this machine works at. Only what it counts as work is told: requests for
/// inference, loads, uploads, holds; never listings, probes or those who watch its events.
class ProxyLook final : public Check {
 public:
  ProxyLook(const CheckConfig& config, CheckContext& context) : pool_(context.pool) {
    question_.endpoint = context.power;
    question_.path = "/v1/power/activity";
    question_.timeout = config.timeout;
  }

  Task<Finding> look() override {
    HttpQuestion question = question_;
    const Result<std::string> text = co_await http_get(pool_, std::move(question));
    if (!text) co_return unknown("the proxy cannot be asked: " + text.error().message());
    Finding finding = proxy_activity(*text);
    co_return finding;
  }

 private:
  HttpPool& pool_;
  HttpQuestion question_;
};

}  // namespace

CheckPtr make_kind(const ProxyCheck&, const CheckConfig& config, CheckContext& context) {
  return std::make_unique<ProxyLook>(config, context);
}

}  // namespace rouse::suspendd
