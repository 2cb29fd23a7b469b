#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string>

namespace rouse::suspendd {

/// Members of a JSON object that may be missing or of another kind, as state files and answers of
/// other programs have them: then what @p otherwise says.
[[nodiscard]] std::string text_of(simdjson::dom::element object, const char* key);
[[nodiscard]] std::int64_t number_of(simdjson::dom::element object, const char* key);
[[nodiscard]] bool truth_of(simdjson::dom::element object, const char* key, bool otherwise = false);

}  // namespace rouse::suspendd
