#pragma once

#include "proxy/config/config.hpp"
#include "proxy/wire/route.hpp"

#include <optional>

namespace rouse {

/// What a route wants of whoever asks for it. This is the one table of who may do what: the session
/// asks it about every request, the operator API about the models that an answer may tell of, and
/// what goes to a peer is asked about as if the peer were us.
struct Right {
  /// Whose web pages may ask, where a browser is made to by a page of another origin.
  enum class Pages {
    Any,     ///< it only tells, and no page can read it without cors:
    Listed,  ///< with cors: those of its list; without it any, unless more than the page can read
             ///< it
    ByName,  ///< those that cors: lists by their names
  };
  /// What a key's `models` have to do with it.
  enum class Models {
    None,   ///< nothing: it tells of no model
    Asked,  ///< it is about one, which must be among them
    Shown,  ///< it is about all, of which the key's are shown and moved
    Every,  ///< it cannot be taken apart by model: it is for keys that may use all of them
  };

  std::optional<Scope> scope;  ///< nullopt: no key is needed
  Pages pages = Pages::Any;
  Models models = Models::None;
};

[[nodiscard]] Right right_of(const wire::Route& route);

}  // namespace rouse
