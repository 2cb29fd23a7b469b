#pragma once

#include "base/http/message.hpp"
#include "proxy/config/config.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rouse {

/// The key in @p field: of Bearer, of x-api-key, or the password of Basic; empty: it has none.
[[nodiscard]] std::string credential_in(const Fields::Field& field);

/// All texts of @p field that may be a key in one of its forms: those that we take (above), other
/// fields for keys, and cookies and addresses of pages with a key in them.
[[nodiscard]] std::vector<std::string> possible_keys(const Fields::Field& field);

/// Whether @p field carries one, or what is meant to be one, that only a program puts there which
/// knows it: browsers remember passwords of Basic and send them by themselves.
[[nodiscard]] bool is_sent_by_hand(const Fields::Field& field);

/// The entry of @p keys that @p credential belongs to; nullptr: none. Digests are compared in
/// constant time.
[[nodiscard]] const KeyConfig* find_key(const std::vector<KeyConfig>& keys,
                                        std::string_view credential);

}  // namespace rouse
