#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>

namespace rouse {

struct NewKey {
  std::string key;   ///< the only copy
  std::string yaml;  ///< for the configuration; has its SHA-256
};

/// A key that nobody can guess (256 random bits), for the entry @p name of `keys:`. An error says
/// what a name may be.
[[nodiscard]] Result<NewKey> make_key(std::string_view name);

/// What `rouse key NAME` prints: the key, what to do with it, and the YAML.
[[nodiscard]] std::string new_key_text(const NewKey& made);

}  // namespace rouse
