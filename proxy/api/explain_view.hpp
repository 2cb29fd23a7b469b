#pragma once

#include "proxy/proxy.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace rouse {

/// GET /api/queue: models, who waits for what, recent decisions.
/// Of each, what @p caller may know of; whose key is for some models reads no words about others.
[[nodiscard]] std::string queue_text(Proxy& proxy, const Caller& caller);

/// GET /api/explain: all that this proxy knows of itself, with its reasons: what /api/queue says,
/// peers and who woke them last, whether the machine may sleep. `rouse status` and `rouse explain`
/// make their pages of it.
[[nodiscard]] std::string explain_text(Proxy& proxy, const Caller& caller);

/// GET /api/explain/NAME: the same, and what NAME (a model, an alias, a selector, a peer) stands
/// for at the moment.
struct UnknownName {
  std::string message;  ///< with the name that was probably meant
};
[[nodiscard]] std::variant<std::string, UnknownName> explain_text(Proxy& proxy,
                                                                  const Caller& caller,
                                                                  std::string_view asked_for);

}  // namespace rouse
