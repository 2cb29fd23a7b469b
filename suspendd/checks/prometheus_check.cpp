#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/http_get.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/checks/prometheus_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <utility>

namespace rouse::suspendd {
namespace {

class PrometheusLook final : public Check {
 public:
  PrometheusLook(const PrometheusCheck& settings, const CheckConfig& config, CheckContext& context)
      : settings_(settings), pool_(context.pool) {
    question_.endpoint = settings.url;
    question_.timeout = config.timeout;
    question_.body_max = 16 * 1024 * 1024;
  }

  Task<Finding> look() override {
    HttpQuestion question = question_;
    const Result<std::string> text = co_await http_get(pool_, std::move(question));
    if (!text) co_return unknown(text.error().message());
    co_return judge(*text);
  }

 private:
  [[nodiscard]] Finding judge(std::string_view text) const {
    std::vector<std::string> seen;
    for (const MetricSum& each : sum_metrics(text, settings_.metrics)) {
      if (each.series == 0) continue;
      if (std::isnan(each.sum)) return unknown(each.name + " is not a number");
      if (each.sum > 0) return active(fmt::format("{} is {:g}", each.name, each.sum));
      seen.push_back(fmt::format("{} is {:g}", each.name, each.sum));
    }
    if (!seen.empty()) return idle(fmt::format("{}", fmt::join(seen, ", ")));
    return unknown(fmt::format("{} has none of the metrics {}", question_.text(),
                               fmt::join(settings_.metrics, ", ")));
  }

  PrometheusCheck settings_;
  HttpPool& pool_;
  HttpQuestion question_;
};

}  // namespace

CheckPtr make_kind(const PrometheusCheck& settings, const CheckConfig& config,
                   CheckContext& context) {
  return std::make_unique<PrometheusLook>(settings, config, context);
}

}  // namespace rouse::suspendd
