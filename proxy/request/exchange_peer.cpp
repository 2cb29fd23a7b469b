#include "base/http/tcp_delivery.hpp"
#include "proxy/request/exchange.hpp"
#include "proxy/request/filters.hpp"
#include "proxy/wire/refusal.hpp"

#include <fmt/format.h>

#include <ctime>
#include <utility>

namespace rouse {

using namespace std::chrono_literals;

// The part of an Exchange's way that leads to another machine.

namespace {

/// A body of up to this size is read before it goes to a machine that may fall asleep, so that it
/// can be sent again.
constexpr std::size_t kHeldBodyMax = 8 * 1024 * 1024;

bool is_quiet_now(const std::vector<WeekSpan>& spans) {
  if (spans.empty()) return false;
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm local{};
  ::localtime_r(&now, &local);
  return is_within(spans, (local.tm_wday + 6) % 7, local.tm_hour * 60 + local.tm_min);
}

}  // namespace

/// Goes for the model to the machine @p which of those that have it.
void Exchange::use_offer(std::size_t which) {
  offer_ = which;
  peer_ = offers_[which].peer;
  model_ = offers_[which].model.get();
  sent_name_ = model_->use_model_name == asked_for_ ? std::string() : model_->use_model_name;
  if (!unedited_.empty()) {
    prefix_ = std::move(unedited_);
    unedited_.clear();
    head_.content_length = prefix_.size();
  }
  if (!path_ && body_.is_json() && body_.model()) {
    edits_ = edits_for(model_->filters, resolved_.name);
  }
  flight_.set_model(model_->id);
  record_.row.model = model_->id;
}

/// Into the queue of the peer, unless it waits there already.
std::optional<Failure> Exchange::enter_peer() {
  if (place_) return std::nullopt;
  Visitor visitor;
  visitor.who.key = caller_.name;
  visitor.who.address = remote_;
  visitor.who.agent = head_.fields.find("user-agent").value_or("");
  visitor.who.model = asked_for_;
  visitor.who.request_id = request_id_;
  const std::string_view wish = head_.fields.find("x-wake").value_or("wait");
  const auto& wake = peer_->config().wake;
  if (wish == "never") {
    visitor.why_not = "the request says x-wake: never";
  } else if (!proxy_.keys.may(caller_, Scope::Wake)) {
    visitor.why_not = fmt::format("key {} lacks the scope wake", caller_.name);
  } else if (wake && is_quiet_now(wake->quiet_hours)) {
    visitor.why_not = "these are its quiet hours";
  }
  visitor.may_wake = visitor.why_not.empty();
  visitor.has_other = offer_ + 1 < offers_.size();
  if (wish == "async" && visitor.may_wake && peer_->can_wake() && !peer_->is_up()) {
    peer_->wake(std::move(visitor.who));
    Failure failed = passing_failure(
        503, fmt::format("peer {} is being woken: ask again in a moment", peer_->name()), 5);
    failed.text.code = "peer_waking";
    return unread(std::move(failed));
  }
  place_ = peer_->enter(model_->id, std::move(visitor));
  return std::nullopt;
}

/// After a failure that executed nothing: there again, or at another machine.
bool Exchange::tries_peer_again(const Failure& failed) {
  const bool is_visit = must_not_load();  // worth no second try, and no wait
  const bool is_admitted = place_ && place_->state() == AdmissionTicket::State::Admitted;
  if (failed.try_again && is_admitted && !is_visit) {
    proxy_.recorder.metrics.retried(model_->id, failed.suspending ? "suspending" : "connect");
    upstream_.reset();
    peer_->turned_away(*place_, failed.suspending);
    return true;
  }
  if (!failed.elsewhere || offer_ + 1 >= offers_.size()) return false;
  proxy_.recorder.metrics.retried(model_->id, "other_peer");
  upstream_.reset();
  place_.reset();
  use_offer(offer_ + 1);
  return true;
}

/// Reads what is left of a body of bearable size.
Task<void> Exchange::hold_body() {
  if (head_.framing == Framing::Length && head_.content_length > kHeldBodyMax) co_return;
  if (client_.body_done()) co_return;
  // Those who have their bodies with them do not wait for this one's.
  peer_->taken(*place_);
  client_.expires_after(config_->limits.body_timeout);
  while (!client_.body_done() && prefix_.size() < kHeldBodyMax && !gone_) {
    const Result<std::string_view> piece = co_await client_.read_body();
    if (!piece) {
      on_client_gone();
      break;
    }
    prefix_ += *piece;
    body_.feed(*piece);
  }
  client_.expires_never();
}

/// The peer's own key, and which attempt of this request it is.
void Exchange::add_peer_fields(RequestHead& head) {
  const std::string& key = peer_->config().api_key;
  if (!key.empty()) {
    head.fields.set("authorization", "Bearer " + key);
    head.fields.set("x-api-key", key);
    head.fields.erase("cookie");
  }
  if (attempt_id_.empty()) attempt_id_ = fresh_id();
  head.fields.set("x-request-attempt", fmt::format("{};n={}", attempt_id_, ++attempt_));
  if (place_->endpoint().may_sleep) {
    acknowledged_ = acknowledged_bytes(upstream_->socket().native_handle()).value_or(0);
  }
}

/// Whether the connection has failed with not one byte of the request confirmed by the other side.
bool Exchange::was_never_delivered() const {
  if (!peer_ || !upstream_ || !place_->endpoint().may_sleep || !client_.body_done()) return false;
  const auto now = acknowledged_bytes(upstream_->socket().native_handle());
  return now && *now == acknowledged_;
}

/// What the request had to wait for, beyond its turn.
std::string_view Exchange::cold_start() const {
  if (!place_) return "none";
  if (place_->wake_time() > 0ms) return "wake";
  if (place_->load() > 0ms) return "load";
  if (place_->state() != AdmissionTicket::State::Waiting) return "none";
  if (peer_) return peer_->is_up() ? "none" : "wake";
  return proxy_.dispatcher.engine_state(model_->id) == core::EngineState::Ready ? "none" : "load";
}

void Exchange::add_timing(ResponseHead& head) const {
  const std::string_view cold = cold_start();
  // What the machine says of its own part, unless it had to be woken for it.
  if (!peer_ || cold == "wake" || !head.fields.contains("x-rouse-cold-start")) {
    head.fields.set("x-rouse-cold-start", cold);
  }
  if (!place_ || place_->state() != AdmissionTicket::State::Admitted) return;
  const auto waited = std::chrono::duration_cast<core::Duration>(admitted_at_ - started_);
  const auto load = place_->load().count();
  const auto wake = place_->wake_time().count();
  const auto rest = std::max<long>(waited.count() - load - wake, 0);
  // Of a machine that tells its own times, ours come behind them.
  std::string text(head.fields.find("server-timing").value_or(""));
  if (!text.empty()) text += ", ";
  text += fmt::format("{};dur={}", peer_ ? "hold" : "queue", rest);
  if (load > 0) text += fmt::format(", load;dur={}", load);
  if (wake > 0) text += fmt::format(", wake;dur={}", wake);
  head.fields.set("server-timing", text);
}

}  // namespace rouse
