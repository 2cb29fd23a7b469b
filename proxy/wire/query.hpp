#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rouse::wire {

/// "%2F" becomes "/"; what is no escape stays as it is.
[[nodiscard]] std::string percent_decode(std::string_view text);

/// As HTML forms write queries: also, a plus is a space.
[[nodiscard]] std::string form_decode(std::string_view text);

/// Letters and digits as they are, everything else as %XX.
[[nodiscard]] std::string percent_encode(std::string_view name);

/// @p target with another value for the first @p name of its query; all else as it was.
[[nodiscard]] std::string with_query_value(std::string_view target, std::string_view name,
                                           std::string_view value);

/// The decoded value of @p name in a query string; nullopt when it is not there.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view name);

/// What a query says of a model.
struct QueryModel {
  std::optional<std::string> name;  ///< the first "model"
  int named = 0;  ///< how often, in whatever case: a second one is what others may go by
};
[[nodiscard]] QueryModel model_in_query(std::string_view query);

}  // namespace rouse::wire
