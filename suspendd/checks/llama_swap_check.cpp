#include "suspendd/checks/finding.hpp"
#include "suspendd/checks/http_get.hpp"
#include "suspendd/checks/kinds.hpp"
#include "suspendd/checks/llama_swap_events.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace rouse::suspendd {
namespace {

/// Two lines of log of 4 MiB each are the most that may stand before the requests in flight.
constexpr std::size_t kEventsMax = 16 * 1024 * 1024;

/// Asks a llama-swap what it works at. The stream of events begins with what was logged and ends
/// its greeting with the requests in flight; listening to it neither loads a model nor counts as
/// activity there, and /running does not either.
class LlamaSwapLook final : public Check {
 public:
  LlamaSwapLook(const LlamaSwapCheck& settings, const CheckConfig& config, CheckContext& context)
      : pool_(context.pool) {
    running_.endpoint = settings.url;
    running_.path = "/running";
    running_.bearer = settings.api_key;
    running_.timeout = config.timeout;
    events_ = running_;
    events_.path = "/api/events";
    events_.body_max = kEventsMax;
  }

  Task<Finding> look() override {
    HttpQuestion running = running_;
    const Result<std::string> models = co_await http_get(pool_, std::move(running));
    if (!models) co_return unknown(models.error().message());
    const auto loading = models_in_motion(*models);
    if (!loading) co_return unknown("what " + running_.text() + " answers is not its usual JSON");
    if (!loading->empty()) {
      co_return active(fmt::format("{}", fmt::join(*loading, ", ")));
    }
    InflightReader reader;
    const std::function<bool(std::string_view)> takes = [&reader](std::string_view piece) {
      return !reader.take(piece);
    };
    HttpQuestion events = events_;
    const Result<void> heard = co_await http_get_pieces(pool_, std::move(events), takes);
    if (reader.models()) co_return judge(*reader.models());
    if (!heard) co_return unknown(heard.error().message());
    co_return unknown(events_.text() + " ended without telling which requests are in flight");
  }

 private:
  static Finding judge(const std::vector<std::string>& models) {
    if (models.empty()) return idle("no request is in flight");
    std::vector<std::string> some(models.begin(),
                                  models.begin() + std::min<std::ptrdiff_t>(std::ssize(models), 3));
    return active(fmt::format("{} in flight: {}{}", count_text(models.size(), "request"),
                              fmt::join(some, ", "), models.size() > some.size() ? ", …" : ""));
  }

  HttpPool& pool_;
  HttpQuestion running_;
  HttpQuestion events_;
};

}  // namespace

CheckPtr make_kind(const LlamaSwapCheck& settings, const CheckConfig& config,
                   CheckContext& context) {
  return std::make_unique<LlamaSwapLook>(settings, config, context);
}

}  // namespace rouse::suspendd
