#include "suspendd/state/notices.hpp"

#include "base/async/use_task.hpp"
#include "base/service/log.hpp"
#include "base/text/json_writer.hpp"
#include "base/text/rfc3339.hpp"
#include "core/sleep/to_string.hpp"
#include "suspendd/box/clock.hpp"
#include "suspendd/proxy/json_ask.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <spdlog/spdlog.h>

#include <unistd.h>

#include <array>
#include <chrono>

namespace rouse::suspendd {

namespace policy = core::suspend;

namespace {

constexpr std::size_t kSendingMax = 16;
constexpr int kTries = 3;

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string notice_json(const policy::Notify& notice, policy::WallTime at) {
  JsonWriter json;
  json.begin_object();
  json.member("at", to_rfc3339(at));
  json.member("host", host_name());
  json.member("severity", to_string(notice.severity));
  json.member("topic", to_string(notice.topic));
  json.member("text", notice.text);
  json.end_object();
  return json.take();
}

}  // namespace

void Notices::tell(const policy::Notify& notice, policy::WallTime at) {
  const bool is_bad = notice.severity == policy::Severity::Alert;
  const bool is_warning = notice.severity == policy::Severity::Warning;
  const auto level = is_bad       ? spdlog::level::err
                     : is_warning ? spdlog::level::warn
                                  : spdlog::level::info;
  spdlog::log(level, "{}: {}", to_string(notice.topic), notice.text);
  const std::string json = notice_json(notice, at);
  add_history(json);
  const bool wants_webhook = is_bad || is_warning || notice.topic == policy::Topic::Unblocked;
  if (!wants_webhook || !config_ || !config_->notify.webhook) return;
  if (sending_ >= kSendingMax) {
    spdlog::warn("webhook: too many messages are on their way; one is dropped");
    return;
  }
  ++sending_;  // here, since many may be told before the first one is on its way
  tasks_.spawn(send(json));
}

void Notices::note_command(const std::string& what, const std::string& by, bool accepted,
                           const std::string& text, policy::WallTime at) {
  spdlog::info("{} by {}: {}{}", what, by, accepted ? "" : "refused: ", for_log(text));
  JsonWriter json;
  json.begin_object();
  json.member("at", to_rfc3339(at));
  json.member("topic", "command");
  json.member("command", what);
  json.member("by", by);
  json.member("accepted", accepted);
  json.member("text", text);
  json.end_object();
  add_history(json.take());
}

void Notices::add_history(const std::string& json) {
  const Result<void> added = state_.add_history(json);
  if (!added && !history_fails_) spdlog::error("history: {}", added.error().message());
  history_fails_ = !added;
}

Task<void> Notices::send(std::string json) {
  for (int attempt = 1;; ++attempt) {
    const NotifyConfig& notify = config_->notify;
    if (!notify.webhook) break;
    HttpAsk ask = json_ask(*notify.webhook, "POST", {}, json, notify.timeout);
    if (!notify.token.empty()) ask.fields.add("authorization", "Bearer " + notify.token);
    const Result<HttpAnswer> answer = co_await http_ask(pool_, std::move(ask));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) break;
    if (answer && answer->ok()) break;
    const std::string why = answer ? refusal_text(*answer) : answer.error().message();
    if (attempt == kTries) {
      spdlog::warn("webhook: given up after {} tries: {}", kTries, for_log(why));
      break;
    }
    asio::basic_waitable_timer<std::chrono::steady_clock,
                               asio::wait_traits<std::chrono::steady_clock>, Executor>
        pause(tasks_.executor(), pause_);
    co_await pause.async_wait(use_task);
  }
  --sending_;
}

}  // namespace rouse::suspendd
