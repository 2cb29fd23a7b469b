#pragma once

#include "base/text/text_table.hpp"
#include "proxy/cli/proxy_facts.hpp"

#include <string>

namespace rouse {

/// The page of `rouse explain` for one who is woken at midnight: why things are as they are, and
/// what happens next and when. Of the whole proxy, or of the model or the peer that an answer of
/// /api/explain/NAME is about. Nothing is cut; in a window, long texts go on in the next line.
[[nodiscard]] std::string explain_page(const ProxyFacts& facts, const PageLook& look);

}  // namespace rouse
