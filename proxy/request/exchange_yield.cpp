#include "base/async/use_task.hpp"
#include "proxy/request/exchange.hpp"
#include "proxy/request/filters.hpp"
#include "proxy/wire/aux_signs.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <re2/re2.h>
#include <utility>

namespace rouse {

using namespace std::chrono_literals;

// The part of an Exchange's way on which a small request lets others go first.

namespace {

constexpr auto kAuxLook = 50ms;

}  // namespace

/// A title or a count is worth no swap: a model that is loaded may answer, or others go first.
Task<std::optional<Failure>> Exchange::yield_if_aux() {
  const AuxConfig& aux = config_->aux;
  if (!aux.enabled || path_ || !body_.is_json() || !body_.model()) co_return std::nullopt;
  const bool is_ready =
      peer_ ? peer_->is_up()
            : proxy_.dispatcher.engine_state(model_->id) == core::EngineState::Ready;
  if (is_ready) co_return std::nullopt;
  const bool is_one = co_await looks_aux();
  if (!is_one || gone_ || hand_over() || peer_) co_return std::nullopt;
  aux_ = "low priority";
  SteadyTimer timer(proxy_.sessions.executor());
  const auto until = Clock::now() + aux.patience;
  // Whoever asks for real work meanwhile has it loaded first, and may even answer this.
  while (!gone_ && Clock::now() < until) {
    timer.expires_at(std::min(until, Clock::now() + kAuxLook));
    co_await timer.async_wait(use_task);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) break;
    const auto now = proxy_.dispatcher.engine_state(model_->id);
    if (now == core::EngineState::Ready || hand_over()) break;
  }
  co_return std::nullopt;
}

/// Reads the body to its end, if it is small, and looks at it.
Task<bool> Exchange::looks_aux() {
  core::AuxSigns signs;
  signs.counts_tokens = route_.counts_tokens();
  if (signs.counts_tokens) co_return true;
  const AuxConfig& aux = config_->aux;
  const bool is_small = head_.framing == Framing::Length && head_.content_length <= aux.body_max;
  if (!is_small || route_.dialect == wire::Dialect::Plain) co_return false;
  client_.expires_after(config_->limits.body_timeout);
  while (!client_.body_done() && !gone_) {
    const Result<std::string_view> piece = co_await client_.read_body();
    if (!piece) co_return false;  // whoever reads on is told what is wrong
    prefix_ += *piece;
    body_.feed(*piece);
  }
  client_.expires_never();
  signs = wire::aux_signs(prefix_);
  signs.fits_rule = std::any_of(aux.rules.begin(), aux.rules.end(), [this](const auto& rule) {
    return re2::RE2::PartialMatch(prefix_, *rule);
  });
  co_return core::is_aux(signs, aux.max_tokens);
}

/// To a loaded model that the configuration allows; false: there is none.
bool Exchange::hand_over() {
  for (const std::string& id : config_->aux.answer_by) {
    const ModelConfig* other = config_->find_exact(id);
    if (other == nullptr || proxy_.dispatcher.engine_state(id) != core::EngineState::Ready)
      continue;
    aux_ = "answered by " + id;
    model_ = other;
    peer_.reset();
    offers_.clear();
    resolved_.name = id;
    resolved_.lease = {};
    sent_name_ = other->use_model_name.empty() ? id : other->use_model_name;
    edits_ = edits_for(other->filters, id);
    flight_.set_model(id);
    record_.row.model = id;
    return true;
  }
  return false;
}

}  // namespace rouse
