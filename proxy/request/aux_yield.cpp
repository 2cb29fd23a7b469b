#include "proxy/request/aux_yield.hpp"

#include "base/async/use_task.hpp"
#include "core/aux_request.hpp"
#include "proxy/wire/aux_signs.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <re2/re2.h>
#include <utility>

namespace rouse {

using namespace std::chrono_literals;

namespace {

constexpr auto kAuxLook = 50ms;

/// Texts can be told by their signs, everything else only by the patterns of the configuration.
bool has_signs(const Request& request, const RequestBody& body) {
  const bool embeds = request.route.api == wire::Api::Embeddings;
  return body.finder().is_json() && (embeds || request.route.dialect != wire::Dialect::Plain);
}

core::AuxSigns signs_of(const Request& request, std::string_view body) {
  const bool embeds = request.route.api == wire::Api::Embeddings;
  return embeds ? wire::embedding_signs(body) : wire::aux_signs(body);
}

/// Looks at a small body that is here to its end.
bool looks_aux(const Request& request, const RequestBody& body) {
  if (request.route.counts_tokens()) return true;
  const AuxConfig& aux = request.config->aux;
  const bool is_looked_at = has_signs(request, body) || !aux.rules.empty();
  if (!is_looked_at || !body.is_read() || !body.is_at_most(aux.body_max)) return false;
  core::AuxSigns signs;
  if (has_signs(request, body)) signs = signs_of(request, body.held());
  signs.fits_rule = std::any_of(aux.rules.begin(), aux.rules.end(), [&body](const auto& rule) {
    return re2::RE2::PartialMatch(body.held(), *rule);
  });
  return core::is_aux(signs, aux.max_tokens);
}

/// A loaded model that the configuration allows to answer in place of others; null: there is none.
const ModelConfig* loaded_stand_in(const Request& request) {
  for (const std::string& id : request.config->aux.answer_by) {
    const ModelConfig* const other = request.config->find_exact(id);
    if (other != nullptr && request.proxy.dispatcher.engine_state(id) == core::EngineState::Ready) {
      return other;
    }
  }
  return nullptr;
}

/// "answered by ID"; empty: there is none. Only texts and counts of tokens are worth something from
/// another model: not its numbers, sounds or pictures.
std::string hand_over(const Request& request, Destinations& to) {
  const bool is_text =
      request.route.dialect != wire::Dialect::Plain || request.route.counts_tokens();
  if (!is_text || request.route.api == wire::Api::Embeddings) return {};
  const ModelConfig* const other = loaded_stand_in(request);
  if (other == nullptr) return {};
  to.set_only({request.config, other}, other->id);
  return "answered by " + other->id;
}

}  // namespace

Task<AuxYield> yield_if_aux(const Request& request, const RequestBody& body, Destinations& to,
                            const ClientPresence& presence) {
  const AuxConfig& aux = request.config->aux;
  const bool is_looked_at = aux.enabled && !request.path && body.finder().model();
  const Dispatcher& dispatcher = request.proxy.dispatcher;
  if (!is_looked_at || to.all.front().is_ready(dispatcher)) co_return AuxYield();
  if (!looks_aux(request, body) || presence.is_gone()) co_return AuxYield();
  std::string handed = hand_over(request, to);
  if (!handed.empty()) co_return AuxYield{std::move(handed)};
  if (aux.refuses_unloaded) co_return AuxYield{"refused", false, true};
  if (to.all.front().peer) co_return AuxYield();
  SteadyTimer timer(request.proxy.sessions.executor());
  const auto until = Request::Clock::now() + aux.patience;
  // Whoever asks for real work meanwhile has it loaded first, and may even answer this.
  while (!presence.is_gone() && Request::Clock::now() < until) {
    timer.expires_at(std::min(until, Request::Clock::now() + kAuxLook));
    co_await timer.async_wait(use_task);
    // Also when the proxy only begins to shut down: the queue says so at once.
    const auto state = co_await asio::this_coro::cancellation_state;
    const bool is_cancelled = state.cancelled() != asio::cancellation_type::none;
    if (is_cancelled || to.all.front().is_ready(dispatcher)) break;
    handed = hand_over(request, to);
    if (!handed.empty()) co_return AuxYield{std::move(handed)};
  }
  co_return AuxYield{"low priority", true};
}

}  // namespace rouse
