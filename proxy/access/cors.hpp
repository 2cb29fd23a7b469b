#pragma once

#include "base/http/message.hpp"
#include "proxy/config/config.hpp"
#include "proxy/wire/refusal.hpp"
#include "proxy/wire/route.hpp"

#include <optional>

namespace rouse {

// What web pages on other origins may do. Two worlds:
//
// Without `cors:` we are as open as llama-swap: any page may send (a preflight says *), pages read
// only the listing of models and what an engine's own CORS fields let them read. A page that nobody
// has asked for can then make a keyless proxy on localhost load a model, with a JSON body sent as
// text/plain (no preflight) or as JSON (one that is granted): to refuse the first alone would
// protect nothing. What a page cannot do is unload, cancel or reload.
//
// With `cors: {origins: […]}` preflights, and readable answers, are for those origins only, and
// requests of other pages that would start something are refused before anything happens, whatever
// their content type, since browsers send simple ones without asking.
//
// security.cors.allowCredentials adds that browsers send cookies and remembered passwords along.
//
// A page whose name resolves to this machine has an origin that is its Host: the rule of
// host_rule.hpp keeps it out. GET /unload, the one GET that changes something, is for programs: a
// browser may send it from a page of ours, or from its address bar where it says so
// (Sec-Fetch-Site: none).

/// The answer to OPTIONS, before keys are looked at: 204, no body. Only what is no preflight and is
/// for an engine's own path goes to the engine instead.
[[nodiscard]] ResponseHead preflight_head(const Config& config, const RequestHead& request);

/// 403 for a request that a page on another origin may not send; nullopt: go on. Judged by Origin,
/// and by Sec-Fetch-Site where there is none. Routes that only tell are never refused.
[[nodiscard]] std::optional<Failure> origin_fault(const Config& config, const wire::Route& route,
                                                  const RequestHead& request);

/// Whether every page that @p request may come from is of our own origin or one of `cors:`, so that
/// nobody behind us need judge it again.
[[nodiscard]] bool has_trusted_origin(const Config& config, const RequestHead& request);

/// Puts into any answer (errors, streams and early heads, too) whether a page may read it. With
/// `cors:` the engine's own CORS fields give way. @p route: null where none was found.
void add_cors(const Config& config, const wire::Route* route, const RequestHead& request,
              ResponseHead& head);

}  // namespace rouse
