#pragma once

#include "base/text/text_table.hpp"
#include "proxy/cli/proxy_facts.hpp"

#include <cstddef>
#include <string>

namespace rouse {

/// The page of `rouse status`: models, who waits for what, peers, whether this machine may sleep,
/// recent decisions. No line is wider than the window; with @p height, there are no more lines
/// either: old decisions go first, then what is at rest. 0: as many as there are.
[[nodiscard]] std::string status_page(const ProxyFacts& facts, const PageLook& look,
                                      std::size_t height = 0);

}  // namespace rouse
