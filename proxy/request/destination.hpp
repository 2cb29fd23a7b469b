#pragma once

#include "proxy/peers/peers.hpp"
#include "proxy/request/request.hpp"
#include "proxy/routing/names.hpp"
#include "proxy/wire/body_model.hpp"
#include "proxy/wire/json_edit.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rouse {

/// Where a request can be served, and what has to be changed in it for that: a model's engine here,
/// or the same model at a peer.
struct Destination {
  std::shared_ptr<const ModelConfig> model;
  std::shared_ptr<Peer> peer;         ///< null: an engine of ours
  std::string sent_name;              ///< of the model; empty: as the client wrote it
  std::vector<wire::JsonEdit> edits;  ///< what filters change in the body

  /// "the engine of qwen", "peer attic", for messages.
  [[nodiscard]] std::string upstream_name() const;
  /// Whether it serves a request at once: nothing has to be loaded or woken.
  [[nodiscard]] bool is_ready(const Dispatcher& dispatcher) const;
};

/// All that a name leads to, the best first. At least one.
struct Destinations {
  std::vector<Destination> all;
  std::string name;      ///< after profile and selector: what filters look at
  std::string selector;  ///< its name, if one chose
  Names::Lease lease;    ///< of the selector

  /// For a request that names no model: what it is sent to gets the name in its @p body.
  void write_name(const wire::BodyModel& body);
  /// Only @p model here, which has the name @p id.
  void set_only(std::shared_ptr<const ModelConfig> model, const std::string& id);
};

/// What @p asked_for leads to, or why to nothing. @p body: as far as it was read.
[[nodiscard]] std::variant<Destinations, Failure> find_destinations(const Request& request,
                                                                    const wire::BodyModel& body,
                                                                    std::string_view asked_for);

/// A request that is no work for its model: it must not load it, hold a slot of it, or keep it from
/// its ttl.
[[nodiscard]] bool must_not_load(const Request& request, const ModelConfig& model);

}  // namespace rouse
