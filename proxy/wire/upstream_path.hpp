#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace rouse::wire {

/// A path under /upstream/, taken apart.
struct UpstreamPath {
  std::string name;       ///< of the model, decoded
  std::string_view rest;  ///< as it came, with its first slash; empty: /upstream/NAME exactly
};

/// Takes the longest run of segments at the start of @p path (without "/upstream/", as it came)
/// whose decoded text @p is_name knows; a name may hold slashes, plain or as %2F. nullopt: none.
[[nodiscard]] std::optional<UpstreamPath> split_upstream(
    std::string_view path, const std::function<bool(const std::string&)>& is_name);

/// Whether @p path of an engine only shows its state: health, metrics, listings. Who looks at that
/// is no reason to load it, to wake its machine, or to keep it.
[[nodiscard]] bool is_probe(std::string_view method, std::string_view path);

}  // namespace rouse::wire
