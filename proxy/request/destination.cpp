#include "proxy/request/destination.hpp"

#include "base/text/json_writer.hpp"
#include "proxy/request/filters.hpp"

#include <utility>

namespace rouse {

namespace {

/// A model of @p config, which it keeps alive.
std::shared_ptr<const ModelConfig> shared_model(const std::shared_ptr<const Config>& config,
                                                const ModelConfig& model) {
  return {config, &model};
}

Destination local_destination(const Request& request, const Names::Resolved& resolved,
                              const ModelConfig& model, std::string_view asked_for) {
  Destination to;
  to.model = shared_model(request.config, model);
  if (!model.use_model_name.empty()) {
    to.sent_name = model.use_model_name;
  } else if (resolved.name != asked_for) {
    to.sent_name = resolved.name;
  }
  return to;
}

Destination peer_destination(Peers::Offer offer, std::string_view asked_for) {
  Destination to;
  to.peer = std::move(offer.peer);
  to.model = std::move(offer.model);
  if (to.model->use_model_name != asked_for) to.sent_name = to.model->use_model_name;
  return to;
}

}  // namespace

std::string Destination::upstream_name() const {
  return peer ? "peer " + peer->name() : "the engine of " + model->id;
}

bool Destination::is_ready(const Dispatcher& dispatcher) const {
  return peer ? peer->is_up() : dispatcher.engine_state(model->id) == core::EngineState::Ready;
}

void Destinations::write_name(const wire::BodyModel& body) {
  for (Destination& to : all) {
    if (to.sent_name.empty()) to.sent_name = to.peer ? to.model->use_model_name : name;
    if (!body.is_json()) continue;
    to.edits = edits_for(to.model->filters, name);
    to.edits.insert(to.edits.begin(),
                    {wire::JsonEdit::Kind::Set, "model", json_string(to.sent_name)});
  }
}

void Destinations::set_only(std::shared_ptr<const ModelConfig> model, const std::string& id) {
  Destination to;
  to.sent_name = model->use_model_name.empty() ? id : model->use_model_name;
  to.edits = edits_for(model->filters, id);
  to.model = std::move(model);
  all.clear();
  all.push_back(std::move(to));
  name = id;
  lease = {};
}

std::variant<Destinations, Failure> find_destinations(const Request& request,
                                                      const wire::BodyModel& body,
                                                      std::string_view asked_for) {
  const Config& config = *request.config;
  Names::Resolved resolved;
  if (request.path) {
    // Selectors and filters are for requests whose body we read.
    resolved.name = request.proxy.names.pinned(asked_for);
    resolved.model = config.find_model(resolved.name);
  } else {
    resolved = request.proxy.names.resolve(asked_for, [&request](const std::string& model) {
      return target_state(request.proxy.dispatcher.engine_state(model));
    });
  }
  if (!resolved.problem.empty()) return request.unread(passing_failure(503, resolved.problem, 5));
  Destinations found;
  // A reload may have come since the request did, and taken the model away.
  const ModelConfig* const model =
      resolved.model == nullptr ? nullptr : config.find_model(resolved.model->id);
  if (model != nullptr) {
    found.all.push_back(local_destination(request, resolved, *model, asked_for));
  } else {
    for (Peers::Offer& offer : request.proxy.peers.find(resolved.name)) {
      found.all.push_back(peer_destination(std::move(offer), asked_for));
    }
  }
  if (found.all.empty()) {
    std::string why = request.proxy.names.switched_off_text(std::string(asked_for));
    if (config.find_model(resolved.name) != nullptr) {
      why = resolved.name + " was removed from the configuration";
    } else if (why.empty()) {
      why = unknown_model_text(config, asked_for, request.proxy.keys.usable_by(request.caller));
    }
    return request.unread(failure(404, std::move(why), "model_not_found"));
  }
  if (!request.path && body.is_json() && body.model()) {
    for (Destination& to : found.all) to.edits = edits_for(to.model->filters, resolved.name);
  }
  found.name = std::move(resolved.name);
  found.selector = std::move(resolved.selector);
  found.lease = std::move(resolved.lease);
  return found;
}

bool must_not_load(const Request& request, const ModelConfig& model) {
  const bool is_probe = request.route.route_class != wire::RouteClass::Inference;
  const bool is_page = request.path && !request.path->starts;
  return is_probe || is_page || (request.wants_upgrade() && model.ignore_websockets);
}

}  // namespace rouse
