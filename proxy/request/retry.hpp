#pragma once

#include "proxy/wire/refusal.hpp"

namespace rouse {

/// What becomes of a request whose attempt has failed.
enum class NextStep {
  GiveUp,           ///< the client is told
  Rejoin,           ///< back into the queue of the same peer, which keeps its ticket
  Reenter,          ///< a new ticket for the same engine
  NextDestination,  ///< the next of those that have the model
};

/// What next_step() looks at, beside the failure.
struct AttemptFacts {
  bool to_peer = false;        ///< else to an engine of ours
  bool is_admitted = false;    ///< it had got as far as that
  bool only_if_ready = false;  ///< worth no second try, and no wait
  bool has_next = false;       ///< a further destination
  int entered = 1;             ///< how often it has taken a ticket, the failed one among them
};

/// Where a request goes after @p failed. Only what cannot have been executed goes anywhere.
[[nodiscard]] NextStep next_step(const Failure& failed, const AttemptFacts& facts);

}  // namespace rouse
