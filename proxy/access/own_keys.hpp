#pragma once

#include "base/http/message.hpp"
#include "proxy/config/config.hpp"

#include <string>
#include <string_view>

namespace rouse {

/// Whether @p field carries a key of ours, in whatever form.
[[nodiscard]] bool holds_own_key(const Config& config, const Fields::Field& field);

/// Removes the credentials that are ours, so that no engine or log ever sees a key of the proxy. Of
/// a list of cookies only the one that is a key.
void remove_own_keys(const Config& config, Fields& fields);

/// @p target without the parameters of its query that are keys of ours.
[[nodiscard]] std::string without_own_keys(const Config& config, std::string_view target);

/// Removes fields that look like ours (x-rouse-…), which only we and another rouse may say.
void remove_own_fields(Fields& fields);

}  // namespace rouse
