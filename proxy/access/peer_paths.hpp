#pragma once

#include "base/http/message.hpp"
#include "proxy/access/keys.hpp"
#include "proxy/wire/refusal.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace rouse {

/// A request below /upstream/ for a model that a peer has.
struct PeerPath {
  std::string_view method;
  std::string_view target;       ///< as the peer is to get it
  std::string_view asked_for;    ///< the model, as our path names it
  std::string_view model_there;  ///< what the peer calls it
  /// What else the peer has, whose names may begin like the model's.
  std::function<bool(const std::string& name)> is_model_there;
};

/// What its body must not say.
struct PeerPathRule {
  bool names_model = false;  ///< the peer goes by the model in the body
};

/// Whether @p caller may have the peer asked that. The peer knows our key, which may do more than
/// whoever asks: so of what it has, as far as our own table of routes tells, that model's inference
/// may be asked for, what only shows the state of an engine, and pages of its engine at the peer's
/// own /upstream/MODEL/; by nobody who could not ask the same here.
[[nodiscard]] std::variant<PeerPathRule, Failure> judge_peer_path(const PeerPath& asked,
                                                                  const Caller& caller,
                                                                  const Keys& keys);

/// Whether the peer may hear of the model @p said, which the request names beside its path
/// (nullopt: none, where the peer would choose).
[[nodiscard]] std::optional<Failure> peer_model_fault(const PeerPath& asked,
                                                      const std::optional<std::string>& said,
                                                      const Caller& caller, const Keys& keys);

}  // namespace rouse
