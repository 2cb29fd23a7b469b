#include "proxy/request/peer_path.hpp"

#include "proxy/access/peer_paths.hpp"
#include "proxy/wire/query.hpp"

#include <algorithm>

namespace rouse {

namespace {

/// A form without a model, where our defaultModel is meant, is given no name, as JSON is: the peer
/// would go by its own default, whoever may use that.
std::optional<Failure> unnamed_fault(const Request& request, const RequestBody& body) {
  const bool names_model = request.route.source != wire::ModelSource::Body ||
                           body.finder().is_json() || body.finder().model() ||
                           wire::query_value(request.head.query(), "model");
  if (names_model || request.proxy.keys.may_use_all(request.caller)) return std::nullopt;
  return request.unread(failure(400, "say the model in the form: a peer would choose its own"));
}

}  // namespace

Task<std::optional<Failure>> check_peer_path(const Request& request, RequestBody& body,
                                             const Destination& to) {
  if (!to.peer) co_return std::nullopt;
  if (!request.path) co_return unnamed_fault(request, body);
  const std::vector<std::string> models = Peers::models_of(*to.peer);
  PeerPath asked{request.head.method, request.path->target, request.path->name,
                 to.model->use_model_name, nullptr};
  asked.is_model_there = [&models](const std::string& name) {
    return std::find(models.begin(), models.end(), name) != models.end();
  };
  const Keys& keys = request.proxy.keys;
  auto judged = judge_peer_path(asked, request.caller, keys);
  if (auto* refused = std::get_if<Failure>(&judged)) {
    co_return request.unread(std::move(*refused));
  }
  if (!std::get<PeerPathRule>(judged).names_model) co_return std::nullopt;
  std::optional<Failure> failed = co_await body.read_until_model();
  if (failed) co_return failed;
  failed = peer_model_fault(asked, body.finder().model(), request.caller, keys);
  if (failed) co_return request.unread(std::move(*failed));
  co_return std::nullopt;
}

}  // namespace rouse
